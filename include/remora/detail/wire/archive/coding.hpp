// SPDX-License-Identifier: MIT
/// Values to bytes and back.
#pragma once

#include <span>

#include <remora/detail/wire/archive/adaptor.hpp>
#include <remora/detail/wire/archive/arrays_and_sets.hpp>
#include <remora/detail/wire/archive/buffer.hpp>
#include <remora/detail/wire/archive/cereal_traits.hpp>
#include <remora/detail/wire/archive/mapping.hpp>
#include <remora/detail/wire/archive/record.hpp>
#include <remora/detail/wire/archive/time.hpp>
#include <remora/detail/wire/archive/tuple.hpp>
#include <remora/detail/wire/archive/variant.hpp>
#include <remora/detail/wire/archive/wrapper.hpp>

namespace remora {

/// What encoding may produce.
struct encode_limits {
    /// Bytes of one encoded value.
    std::size_t size = std::numeric_limits<std::size_t>::max();
    /// Records within records, so that a list of a million linked nodes fails and does not crash.
    unsigned depth = 256;
};

namespace detail {

template <class T>
inline constexpr bool is_character_array = false;
template <class C, std::size_t N>
inline constexpr bool is_character_array<C[N]> =
    std::is_same_v<C, char> || std::is_same_v<C, char8_t> || std::is_same_v<C, char16_t> ||
    std::is_same_v<C, char32_t>;

template <class T>
inline constexpr auto stored_name = codec<T>::name();

/// What an error calls a value outside of any record.
template <class T>
inline constexpr std::string_view whole_name = display_name<T>();

/// Limits what one value adds to a buffer, and takes it back unless it is kept.
class encoding {
public:
    [[gnu::always_inline]] encoding(byte_buffer& out, std::size_t limit)
        : out_(out), before_(out.size()), max_size_(out.max_size()) {
        if (limit < max_size_ - std::min(before_, max_size_))
            out_.max_size(before_ + limit, before_);
    }
    encoding(const encoding&) = delete;
    encoding& operator=(const encoding&) = delete;
    [[gnu::always_inline]] ~encoding() {
        if (!kept_) out_.truncate(before_);
        if (out_.max_size() != max_size_) out_.max_size(max_size_);
    }
    void keep() noexcept { kept_ = true; }

private:
    byte_buffer& out_;
    std::size_t before_;
    std::size_t max_size_;
    bool kept_ = false;
};

/// As encode() and decode(), with what a frame lends.
template <class T>
void encode_with(byte_buffer& out, const T& value, const encode_limits& limits,
                 block_lender* lender) {
    static_assert(!is_character_array<T>,
                  "remora: a character array, such as a literal, would travel with its final NUL: "
                  "send a std::string, or a std::array if all of its characters count");
    encoding guard(out, limits.size);
    output_archive archive(out, limits.depth, lender);
    archive.put_with_kind(value);
    guard.keep();
}

template <class T>
void decode_with(std::span<const std::byte> in, T& into, const decode_limits& limits,
                 std::span<const block_ref> loans) {
    input_archive archive(in, limits, loans);
    archive.set_name(whole_name<T>);
    try {
        archive.get_with_kind(into);
    } catch (const cereal::Exception& e) {
        archive.fail_bad_value(e.what());
    }
    archive.expect_end();
}

}  // namespace detail

/// The name of a type: what it is called for classes, its structure for everything else
/// (`map<string,list<i32>>`). The same in every program.
template <class T>
constexpr std::string_view type_name_of() {
    static_assert(
        detail::stored_name<T>.view().size() <= detail::max_type_name,
        "remora: the name of this type has more than 255 characters, which no message "
        "can carry: make it a field of a struct, or declare a shorter name for a class in "
        "it with remora::type_name");
    return detail::stored_name<T>.view();
}

/// The number that stands for a type in messages: the FNV-1a hash, 64 bits wide, of its name.
/// Never 0.
template <class T>
constexpr std::uint64_t type_tag_of() {
    return std::max<std::uint64_t>(detail::fnv1a(type_name_of<T>()), 1);
}

/// Appends `value` to `out`, with its kind. The value is only read, and only during the call.
///
/// Throws errc::message_too_large and errc::too_deep if a limit is passed, and lets through what
/// the user's own functions throw; `out` is then as long as it was before.
template <class T>
void encode(byte_buffer& out, const T& value, const encode_limits& limits = {}) {
    detail::encode_with(out, value, limits, nullptr);
}

/// Reads one value that takes up all of `in` into `into`. Fields that the bytes do not have keep
/// the values that they have in `into`; what is inside of containers, optionals and pointers is
/// made anew. The bytes are not needed after the call.
///
/// Throws an error with the record, the field and the offset that reading has come to:
/// errc::field_mismatch, truncated, bad_value, over_budget or too_deep. What the user's own
/// functions throw comes through as it is, but for a cereal::Exception, which becomes bad_value.
/// After an error `into` can be assigned to and destroyed; its contents are unspecified.
template <class T>
void decode(std::span<const std::byte> in, T& into, const decode_limits& limits = {}) {
    detail::decode_with(in, into, limits, {});
}

/// The same, into a new T.
template <class T>
T decode(std::span<const std::byte> in, const decode_limits& limits = {}) {
    T into{};
    decode(in, into, limits);
    return into;
}

}  // namespace remora
