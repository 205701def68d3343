// SPDX-License-Identifier: MIT
/// A growing buffer of bytes, for encoding.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <limits>
#include <span>
#include <utility>

namespace remora {

/// Contiguous bytes that grow at their end and keep their memory when cleared. It owns its
/// memory; pointers into it are good until the next call that makes it longer.
///
/// Thread safety: none. Distinct buffers are independent.
class byte_buffer {
public:
    byte_buffer() = default;
    /// What was moved from is empty, and can be used again.
    byte_buffer(byte_buffer&& other) noexcept { swap(other); }
    /// The same; the memory that was here is freed.
    byte_buffer& operator=(byte_buffer&& other) noexcept {
        byte_buffer(std::move(other)).swap(*this);
        return *this;
    }
    ~byte_buffer();

    /// Where the bytes begin; null as long as it has no memory.
    const std::byte* data() const noexcept { return begin_; }
    /// The same, to be changed.
    std::byte* data() noexcept { return begin_; }
    /// How many bytes there are.
    std::size_t size() const noexcept { return static_cast<std::size_t>(end_ - begin_); }
    /// Whether there are none.
    bool empty() const noexcept { return end_ == begin_; }
    /// How many bytes its memory has room for.
    std::size_t capacity() const noexcept { return capacity_; }
    /// All of them.
    std::span<const std::byte> bytes() const noexcept { return {begin_, end_}; }

    /// Adds `n` bytes that the caller fills, and returns where they begin.
    /// Throws errc::message_too_large if the size would exceed `max_size()`, and then changes
    /// nothing; std::bad_alloc without memory. Every call below that makes the buffer longer fails
    /// in the same way.
    [[gnu::always_inline]] std::byte* extend(std::size_t n) {
        if (static_cast<std::size_t>(room_ - end_) < n) [[unlikely]]
            grow(n);
        return std::exchange(end_, end_ + n);
    }

    /// Adds a copy of `n` bytes, which must not lie in this buffer.
    [[gnu::always_inline]] void append(const void* from, std::size_t n) {
        std::byte* to = extend(n);
        if (n != 0) std::memcpy(to, from, n);
    }

    /// Overwrites `n` bytes that the buffer already has, from `position` on.
    void patch(std::size_t position, const void* from, std::size_t n) noexcept {
        std::memcpy(begin_ + position, from, n);
    }

    /// Makes room for `n` bytes in all, whatever `max_size()` is. Throws std::bad_alloc.
    void reserve(std::size_t n) {
        if (n > capacity()) reallocate(n);
    }
    /// Makes the buffer `n` bytes long; new bytes are zero.
    void resize(std::size_t n);
    /// Drops everything after the first `n` bytes; the buffer has at least so many.
    void truncate(std::size_t n) noexcept { end_ = begin_ + n; }
    /// Drops the first `n` bytes and moves the others to the front.
    void erase_front(std::size_t n) noexcept;
    /// Drops all bytes and keeps the memory.
    void clear() noexcept { end_ = begin_; }

    /// No call makes the buffer longer than this. At first there is no such limit.
    std::size_t max_size() const noexcept { return max_size_; }
    /// Sets it, in bytes. Errors speak of what is allowed after the first `offset` bytes.
    void max_size(std::size_t n, std::size_t offset = 0) noexcept {
        max_size_ = n;
        offset_ = offset;
        set_room();
    }

    /// Exchanges bytes, memory and limits.
    void swap(byte_buffer& other) noexcept;

private:
    void grow(std::size_t n);
    void reallocate(std::size_t capacity);
    void set_room() noexcept { room_ = begin_ + std::max(std::min(capacity_, max_size_), size()); }

    std::byte* begin_ = nullptr;
    std::byte* end_ = nullptr;
    std::byte* room_ = nullptr;  // where the usable capacity ends: never beyond max_size_
    std::size_t capacity_ = 0;
    std::size_t max_size_ = std::numeric_limits<std::size_t>::max();
    std::size_t offset_ = 0;
};

}  // namespace remora
