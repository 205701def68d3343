// SPDX-License-Identifier: MIT
/// What users' functions see as `Archive` when a value is decoded.
#pragma once

#include <algorithm>
#include <cereal/cereal.hpp>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <remora/detail/wire/archive/kind.hpp>
#include <remora/detail/wire/archive/output.hpp>
#include <remora/error.hpp>
#include <remora/limits.hpp>

namespace remora {

namespace detail {
/// A number of which every byte pattern is a value.
template <class T>
concept plain_to_read =
    plain<std::remove_reference_t<T>> && !std::is_const_v<std::remove_reference_t<T>> &&
    !std::is_same_v<std::remove_cvref_t<T>, bool>;
}  // namespace detail

/// Reads one value from bytes. Users meet it as the `Archive` of their functions and only call
/// it: `archive(a, b, c)` reads the next fields of their record. A field that the record does
/// not have any more is left alone. Its many functions are those of the codecs, one for each kind.
class input_archive : private cereal::access {
public:
    using is_saving = std::false_type;
    using is_loading = std::true_type;

    /// `loans` are the blocks that came with the value, in their order.
    input_archive(std::span<const std::byte> in, const decode_limits& limits,
                  std::span<const detail::block_ref> loans = {})
        : begin_(in.data()),
          at_(begin_),
          end_(begin_ + in.size()),
          memory_(std::max(limits.memory, in.size() * 4)),
          memory_left_(memory_),
          depth_left_(limits.depth),
          depth_(limits.depth),
          loans_(loans) {}
    input_archive(const input_archive&) = delete;
    input_archive& operator=(const input_archive&) = delete;

    template <class... T>
    input_archive& operator()(T&&... fields) {
        if constexpr (sizeof...(T) > 1 && (detail::plain_to_read<T> && ...))
            get_run(fields...);
        else
            (get_field(fields), ...);
        return *this;
    }
    template <class T>
    input_archive& operator&(T&& field) {
        return (*this)(field);
    }
    template <class T>
    input_archive& operator>>(T&& field) {
        return (*this)(field);
    }

    /// Deferred fields are read where they stand.
    void serializeDeferments() const noexcept {}

    /// The version of the record that is being read; 0 if its class had none.
    template <class T>
    std::uint32_t loadClassVersion() const noexcept {
        return version_;
    }

    // What follows is for Remora's own codecs.

    /// What a record puts aside of the record around it.
    struct outer_record {
        const std::byte* end;
        const std::string_view* name;
        unsigned field;
    };

    std::size_t left() const noexcept { return static_cast<std::size_t>(end_ - at_); }

    template <class T>
    void get_with_kind(T& value) {
        static_assert(!std::is_const_v<T>, "remora: a constant cannot be read into");
        using codec = detail::codec<T>;
        if constexpr (std::is_arithmetic_v<T> && !std::is_same_v<T, bool>) {
            // The most common fields by far: look only once whether all is there and right.
            if (left() > sizeof value && is_kind_of(value, at_)) [[likely]] {
                at_ = load(value, at_);
                return;
            }
        }
        expect(codec::its_kind);
        codec::get(*this, value);
    }

    [[gnu::always_inline]] void expect(detail::kind expected) {
        need(1);
        if (*at_ != static_cast<std::byte>(expected)) [[unlikely]]
            fail_kind(expected);
        ++at_;
    }

    template <class T>
    [[gnu::always_inline]] T get_number() {
        T value;
        need(sizeof value);
        std::memcpy(&value, at_, sizeof value);
        at_ += sizeof value;
        if constexpr (std::is_integral_v<T>) read_once(value);
        return value;
    }

    /// A count of elements that take at least `least` bytes each.
    std::uint32_t get_count(std::size_t least) {
        auto count = get_number<std::uint32_t>();
        if (count > left() / least) [[unlikely]]
            fail_count(count);
        return count;
    }

    const std::byte* get_raw(std::size_t n) {
        need(n);
        at_ += n;
        return at_ - n;
    }

    /// The body of `bytes`, wherever they are. The sender may still write there.
    std::span<const std::byte> get_bytes() {
        const auto count = get_number<std::uint32_t>();
        if (count > left()) [[unlikely]]
            return get_bytes_of_loan(count);
        at_ += count;
        return {at_ - count, count};
    }
    /// The same as a block, which lives as long as it is used.
    detail::block_ref get_block();

    /// Reads bytes that are elsewhere as if they stood here: what is read while this lives has to
    /// be all of them.
    class detour {
    public:
        detour(input_archive& in, std::span<const std::byte> bytes) noexcept
            : in_(in),
              at_(std::exchange(in.at_, bytes.data())),
              end_(std::exchange(in.end_, bytes.data() + bytes.size())),
              begin_(std::exchange(in.begin_, bytes.data())) {}
        ~detour() {
            in_.at_ = at_;
            in_.end_ = end_;
            in_.begin_ = begin_;
        }
        detour(const detour&) = delete;
        detour& operator=(const detour&) = delete;

    private:
        input_archive& in_;
        const std::byte* at_;
        const std::byte* end_;
        const std::byte* begin_;
    };

    /// Takes memory for `count` things of `each` bytes from the budget, before they are made.
    void charge(std::size_t count, std::size_t each) {
        auto size = static_cast<std::uint64_t>(count) * each;  // no loan is that long
        if (size > memory_left_) [[unlikely]]
            fail_memory();
        memory_left_ -= static_cast<std::size_t>(size);
    }

    /// A record of a class that is a container: the depth at which it is read, and what to charge
    /// for each element that its size tag announces.
    struct container_record {
        unsigned depth_left = 0;
        std::size_t element = 0;  // the size of an element in memory
    };
    /// Says that the record that has just begun is a container; returns what to put back.
    container_record begin_container(std::size_t element) noexcept {
        return std::exchange(container_, {depth_left_, element});
    }
    void end_container(const container_record& outer) noexcept { container_ = outer; }
    /// Takes memory for the elements that a size tag announces, if their type is known.
    void charge_elements(std::size_t count) {
        if (container_.depth_left == depth_left_) charge(count, container_.element);
    }

    /// Passes over a value whose field is missing. It stays as it is, unless its codec has to do
    /// something about that.
    template <class T>
    void fill_missing(T& value) {
        if constexpr (requires { detail::codec<T>::fill_missing(*this, value); })
            detail::codec<T>::fill_missing(*this, value);
    }

    outer_record begin_record(const std::string_view& name);
    void end_record(const outer_record& outer) noexcept {
        at_ = end_;
        end_ = outer.end;
        name_ = outer.name;
        field_ = outer.field;
        ++depth_left_;
    }

    /// Says what the value as a whole is, for errors outside of any record.
    void set_name(const std::string_view& name) noexcept { name_ = &name; }
    void expect_end() const {
        if (at_ != end_) [[unlikely]]
            fail_rest();
    }

    /// All of them name the record, the field and the offset.
    [[noreturn]] void fail(errc code, const std::string& what) const;
    [[noreturn]] void fail_bad_value(std::string_view what) const;
    [[noreturn]] void fail_size(std::size_t expected, std::size_t found) const;
    [[noreturn]] void fail_collisions(std::size_t inserted) const;

private:
    template <class T>
    [[gnu::always_inline]] static bool is_kind_of(const T&, const std::byte* at) {
        return *at == static_cast<std::byte>(detail::codec<T>::its_kind);
    }
    /// Reads a number after its kind, and returns the end.
    template <class T>
    [[gnu::always_inline]] static const std::byte* load(T& value, const std::byte* from) {
        std::memcpy(&value, from + 1, sizeof value);
        if constexpr (std::is_integral_v<T>) read_once(value);
        return from + 1 + sizeof value;
    }

    /// Fields that are numbers: if all of them are there, look only once.
    template <class... T>
    [[gnu::always_inline]] void get_run(T&... values) {
        const std::byte* at = at_;
        const auto is_next = [&at](const auto& value) {
            return is_kind_of(value, std::exchange(at, at + 1 + sizeof value));
        };
        if (left() < (0 + ... + (1 + sizeof values)) || !(is_next(values) && ...)) [[unlikely]]
            return (get_field(values), ...);
        at = at_;
        ((at = load(values, at)), ...);
        at_ = at;
        field_ += sizeof...(T);
    }

    template <class T>
    void get_field(T& value) {
        ++field_;
        if (at_ != end_)
            get_with_kind(value);
        else
            fill_missing(value);
    }

    /// The bytes may lie in memory that the sender still writes to: what is checked is what is
    /// used, and the compiler must not read it again.
    template <class T>
    static void read_once(T& value) {
        asm volatile("" : "+r"(value));
    }

    [[gnu::always_inline]] void need(std::size_t n) const {
        if (left() < n) [[unlikely]]
            fail_truncated(n);
    }

    std::span<const std::byte> get_bytes_of_loan(std::size_t count);
    const detail::block_ref& get_loan(std::size_t count);

    [[noreturn]] void fail_truncated(std::size_t needed) const;
    [[noreturn]] void fail_kind(detail::kind expected) const;
    [[noreturn]] void fail_count(std::size_t count) const;
    [[noreturn]] void fail_memory() const;
    [[noreturn]] void fail_depth() const;
    [[noreturn]] void fail_rest() const;

    const std::byte* begin_;
    const std::byte* at_;
    const std::byte* end_;                    // of the record that is being read
    const std::string_view* name_ = nullptr;  // of its class
    unsigned field_ = 0;                      // counted from 1
    std::uint32_t version_ = 0;
    std::size_t memory_;
    std::size_t memory_left_;
    unsigned depth_left_;
    unsigned depth_;
    container_record container_{depth_ + 1, 0};  // none
    std::span<const detail::block_ref> loans_;
};

inline input_archive::outer_record input_archive::begin_record(const std::string_view& name) {
    outer_record outer{end_, name_, field_};
    auto length = get_count(1);
    if (depth_left_ == 0) [[unlikely]]
        fail_depth();
    --depth_left_;
    end_ = at_ + length;
    name_ = &name;
    field_ = 0;
    version_ = 0;
    if (at_ != end_ && *at_ == static_cast<std::byte>(detail::kind::version)) {
        ++at_;
        version_ = get_number<std::uint32_t>();
    }
    return outer;
}

}  // namespace remora

CEREAL_SETUP_ARCHIVE_TRAITS(remora::input_archive, remora::output_archive)
