// SPDX-License-Identifier: MIT
/// What users' functions see as `Archive` when a value is encoded.
#pragma once

#include <array>
#include <cereal/cereal.hpp>
#include <cstdint>
#include <type_traits>

#include <remora/detail/wire/archive/buffer.hpp>
#include <remora/detail/wire/archive/kind.hpp>
#include <remora/detail/wire/byte_block.hpp>

namespace remora {

namespace detail {
/// How a type stands on the wire: its kind, its name, how many bytes its body takes at the least,
/// and how to put and get that.
template <class T>
struct codec;

/// A number: its kind and its bytes are all of it.
template <class T>
concept plain = std::is_arithmetic_v<T> && requires { codec<std::remove_cv_t<T>>::its_kind; };

/// For each of some fields the size on the wire of the run of numbers that begins with it; 0 for
/// one that begins none.
template <class... T>
consteval auto rooms_of_runs() {
    const std::size_t sizes[] = {(plain<T> ? 1 + sizeof(T) : 0)..., 0};
    std::array<std::size_t, sizeof...(T) + 1> rooms{};
    for (std::size_t i = 0, begin = 0; i < sizeof...(T); ++i) {
        if (sizes[i] == 0 || i == 0 || sizes[i - 1] == 0) begin = i;
        rooms[begin] += sizes[i];
    }
    return rooms;
}

[[noreturn]] void fail_too_many(std::size_t count);
[[noreturn]] void fail_too_deep(unsigned limit);
[[noreturn]] void fail_valueless();
}  // namespace detail

/// Writes one value at the end of a buffer. Users meet it as the `Archive` of their functions
/// and only call it: `archive(a, b, c)` writes the next fields of their record.
///
/// The base class has nothing to say: with it the compiler also finds functions that users have
/// put into namespace cereal for the types of a third party.
class output_archive : private cereal::access {
public:
    using is_saving = std::true_type;
    using is_loading = std::false_type;

    /// With a lender its blocks are lent, and not copied.
    output_archive(byte_buffer& out, unsigned depth, detail::block_lender* lender = nullptr)
        : out_(out), depth_left_(depth), depth_(depth), lender_(lender) {}
    output_archive(const output_archive&) = delete;
    output_archive& operator=(const output_archive&) = delete;

    template <class... T>
    output_archive& operator()(T&&... fields) {
        put_fields<std::remove_cvref_t<T>...>(fields...);
        return *this;
    }
    template <class T>
    output_archive& operator&(T&& field) {
        return (*this)(field);
    }
    template <class T>
    output_archive& operator<<(T&& field) {
        return (*this)(field);
    }

    /// Deferred fields are written where they stand: only pointers that share need more.
    void serializeDeferments() const noexcept {}

    // What follows is for Remora's own codecs.

    template <class T>
    [[gnu::always_inline]] void put_with_kind(const T& value) {
        using codec = detail::codec<std::remove_cv_t<T>>;
        if constexpr (detail::plain<T>) {
            store(out_.extend(1 + sizeof value), value);
        } else {
            put_kind(codec::its_kind);
            codec::put(*this, value);
        }
    }

    [[gnu::always_inline]] void put_kind(detail::kind value) {
        *out_.extend(1) = static_cast<std::byte>(value);
    }

    /// A number that looks on the wire as it does in memory.
    template <class T>
    [[gnu::always_inline]] void put_number(T value) {
        static_assert(std::is_trivially_copyable_v<T>);
        std::memcpy(out_.extend(sizeof value), &value, sizeof value);
    }

    [[gnu::always_inline]] void put_count(std::size_t count) { put_counted(count, nullptr, 0); }

    /// A count, and the `n` bytes after it.
    [[gnu::always_inline]] void put_counted(std::size_t count, const void* from, std::size_t n) {
        if (count > UINT32_MAX) [[unlikely]]
            detail::fail_too_many(count);
        const auto narrow = static_cast<std::uint32_t>(count);
        std::byte* to = out_.extend(sizeof narrow + n);
        std::memcpy(to, &narrow, sizeof narrow);
        if (n != 0) std::memcpy(to + sizeof narrow, from, n);
    }

    void put_raw(const void* from, std::size_t n) { out_.append(from, n); }

    /// The body of `bytes`: a reference to the block, or what is in it.
    void put_block(const detail::block_ref& block);

    /// Adds `n` bytes that the caller fills.
    std::byte* extend(std::size_t n) { return out_.extend(n); }

    /// Begins a record; what it returns is for `end_record`.
    std::size_t begin_record() {
        if (depth_left_ == 0) [[unlikely]]
            detail::fail_too_deep(depth_);
        --depth_left_;
        out_.extend(sizeof(std::uint32_t));
        return out_.size();
    }

    void end_record(std::size_t begin) {
        auto length = out_.size() - begin;
        if (length > UINT32_MAX) [[unlikely]]
            detail::fail_too_many(length);
        auto narrow = static_cast<std::uint32_t>(length);
        out_.patch(begin - sizeof narrow, &narrow, sizeof narrow);
        ++depth_left_;
    }

private:
    // The most common fields by far are numbers, one after the other: there must be room for all
    // of them at once.
    template <class... T>
    [[gnu::always_inline]] void put_fields(const T&... fields) {
        static constexpr auto rooms = detail::rooms_of_runs<T...>();
        [[maybe_unused]] std::byte* at = nullptr;
        [[maybe_unused]] const std::size_t* room = rooms.data();
        (put_field(fields, at, *room++), ...);
    }
    template <class T>
    [[gnu::always_inline]] void put_field(const T& field, std::byte*& at, std::size_t room) {
        if constexpr (detail::plain<T>) {
            if (room != 0) at = out_.extend(room);
            at = store(at, field);
        } else {
            put_with_kind(field);
        }
    }

    /// Writes a number and its kind to where there is room, and returns the end.
    template <class T>
    [[gnu::always_inline]] static std::byte* store(std::byte* to, const T& number) {
        *to = static_cast<std::byte>(detail::codec<T>::its_kind);
        std::memcpy(to + 1, &number, sizeof number);
        return to + 1 + sizeof number;
    }

    byte_buffer& out_;
    unsigned depth_left_;
    unsigned depth_;
    detail::block_lender* lender_;
};

}  // namespace remora
