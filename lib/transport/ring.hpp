// SPDX-License-Identifier: MIT
/// A ring of bytes between two processes, one of which writes and one reads: the arithmetic of its
/// indices. No input or output here.
///
/// Each side keeps its own index to itself and only shows a copy; what the other side shows is
/// checked before it is used. So nothing that is written into the shared memory makes this side
/// leave the ring. Loads and stores that decide who wakes whom are seq_cst: of "I go to sleep, is
/// there anything?" and "there is something, does anybody sleep?" one sees the other.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace remora::detail {

/// What both sides see of a ring, each index on cache lines of its own. All zero at first.
struct ring_indices {
    alignas(128) std::atomic<std::uint64_t> head;  ///< bytes written, since the start
    std::atomic<std::uint64_t> origin;             ///< the byte that lies first in the ring
    alignas(128) std::atomic<std::uint64_t> tail;  ///< bytes read
    alignas(128) std::atomic<std::uint32_t> reader_sleeps;  ///< 1: wake the reader after writing
    alignas(
        128) std::atomic<std::uint32_t> writer_sleeps;  ///< 1: wake the writer when there is room
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
static_assert(sizeof(ring_indices) == 512);

/// Beside a ring: a small message on one cache line, with its place in the ring. A reader that
/// keeps up takes it from here, and the lines of head and data need not travel. What is here is in
/// the ring as well, and stamped 0 while it changes. All zero at first.
class express_line {
public:
    static constexpr std::size_t capacity = 56;

    /// At most `capacity` bytes, the last of which has number `end` of the ring.
    void put(std::span<const std::byte> bytes, std::uint64_t end) noexcept;
    /// The bytes that begin at number `begin`: copies `capacity` bytes to `to`, and says how many
    /// count; 0 if others are here. The other side may have written anything.
    std::size_t take(std::uint64_t begin, std::byte* to) const noexcept;

private:
    alignas(
        128) std::atomic<std::uint64_t> stamp_;  ///< `end` and, in the lowest byte, their number
    std::array<std::atomic<std::uint64_t>, capacity / 8> words_;
};
static_assert(sizeof(express_line) == 128);

/// Where both sides move the origin, a writer whose bytes are all read begins again at the first
/// byte of the ring after so many: memory that is used again and again stays in the caches.
inline constexpr std::size_t rewind_after = 1024;

/// The writing side. `data` is the ring, mapped twice in a row; its size is a power of two.
class ring_writer {
public:
    ring_writer() = default;
    ring_writer(ring_indices& shared, express_line& line, std::byte* data, std::size_t size)
        : shared_(&shared), line_(&line), data_(data), size_(size) {}

    /// Copies as many of the bytes as there is room for, shows them to the reader, and says how
    /// many; first on the express line, if they fit there and shall. Throws `protocol_error` if the
    /// reader's index is none.
    std::size_t write(std::span<const std::byte> bytes, bool express = false);
    bool has_room();
    /// From now on write() may move the origin: the reader looks at it.
    void enable_origin() noexcept { next_rewind_ = rewind_after; }

    /// True if the reader sleeps, and it is on the caller to wake it.
    bool must_wake() noexcept {
        return shared_->reader_sleeps.load() != 0 && shared_->reader_sleeps.exchange(0) != 0;
    }
    void sleeps(bool asleep) noexcept { shared_->writer_sleeps.store(asleep ? 1 : 0); }

private:
    std::size_t room() const noexcept { return size_ - static_cast<std::size_t>(head_ - tail_); }
    void load_tail();
    void rewind();

    ring_indices* shared_ = nullptr;
    express_line* line_ = nullptr;
    std::byte* data_ = nullptr;
    std::size_t size_ = 0;
    std::uint64_t head_ = 0;
    std::uint64_t tail_ = 0;  ///< as last seen
    std::uint64_t origin_ = 0;
    std::uint64_t next_rewind_ = UINT64_MAX;  ///< at so many bytes after the origin
};

/// The reading side.
class ring_reader {
public:
    ring_reader() = default;
    ring_reader(ring_indices& shared, const express_line& line, const std::byte* data,
                std::size_t size)
        : shared_(&shared), line_(&line), data_(data), size_(size) {}

    std::size_t size() const noexcept { return size_; }

    /// All that is written and not released, in one row. The writer may still change it. Throws
    /// `protocol_error` if the writer's index is none.
    std::span<const std::byte> unread();
    /// The next bytes, if nothing is unread but what the express line has: copies them to `to`,
    /// which has room for all of a line, and says how many. unread() may not have them yet.
    std::size_t read_express(std::byte* to) const noexcept { return line_->take(tail_, to); }
    /// The first `count` unread bytes are not needed any more. Their room is given back when there
    /// is enough of it to be worth telling, or now.
    void release(std::size_t count) noexcept;
    void release_now(std::size_t count) noexcept;
    /// From now on the writer is told soon that it may move the origin.
    void enable_origin() noexcept { moves_origin_ = true; }

    /// True if the writer sleeps, and it is on the caller to wake it. Otherwise than for `any` room
    /// only when there is so much of it that the writer is worth waking.
    bool must_wake(bool any) noexcept;
    void sleeps(bool asleep) noexcept { shared_->reader_sleeps.store(asleep ? 1 : 0); }

private:
    ring_indices* shared_ = nullptr;
    const express_line* line_ = nullptr;
    const std::byte* data_ = nullptr;
    std::size_t size_ = 0;
    std::uint64_t head_ = 0;  ///< as last seen
    std::uint64_t tail_ =
        0;  ///< what came by the express line may put it ahead of head_ for a moment
    std::uint64_t shown_tail_ = 0;
    std::uint64_t origin_ = 0;
    bool moves_origin_ = false;
};

}  // namespace remora::detail
