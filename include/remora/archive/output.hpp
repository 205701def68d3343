// SPDX-License-Identifier: MIT
/// What users' functions see as `Archive` when a value is encoded.
#pragma once

#include <cereal/cereal.hpp>
#include <cstdint>
#include <type_traits>

#include <remora/archive/buffer.hpp>
#include <remora/archive/kind.hpp>

namespace remora {

namespace detail {
/// How a type stands on the wire: its kind, its name, and how to put and get its body.
template <class T>
struct codec;

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

    output_archive(byte_buffer& out, unsigned depth)
        : out_(out), depth_left_(depth), depth_(depth) {}
    output_archive(const output_archive&) = delete;
    output_archive& operator=(const output_archive&) = delete;

    template <class... T>
    output_archive& operator()(T&&... fields) {
        (put_with_kind(fields), ...);
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
    void put_with_kind(const T& value) {
        using codec = detail::codec<std::remove_cv_t<T>>;
        if constexpr (std::is_arithmetic_v<T> && requires { codec::its_kind; }) {
            // The most common fields by far: look only once whether there is room.
            std::byte* at = out_.extend(1 + sizeof value);
            *at = static_cast<std::byte>(codec::its_kind);
            std::memcpy(at + 1, &value, sizeof value);
        } else {
            put_kind(codec::its_kind);
            codec::put(*this, value);
        }
    }

    void put_kind(kind value) { *out_.extend(1) = static_cast<std::byte>(value); }

    /// A number that looks on the wire as it does in memory.
    template <class T>
    void put_number(T value) {
        static_assert(std::is_trivially_copyable_v<T>);
        std::memcpy(out_.extend(sizeof value), &value, sizeof value);
    }

    void put_count(std::size_t count) {
        if (count > UINT32_MAX) [[unlikely]]
            detail::fail_too_many(count);
        put_number(static_cast<std::uint32_t>(count));
    }

    void put_raw(const void* from, std::size_t n) { out_.append(from, n); }

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
    byte_buffer& out_;
    unsigned depth_left_;
    unsigned depth_;
};

}  // namespace remora
