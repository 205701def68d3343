// SPDX-License-Identifier: MIT
/// A ring of bytes between two processes, one of which writes and one reads: the arithmetic of its
/// indices. No input or output here.
///
/// Each side keeps its own index to itself and only shows a copy; what the other side shows is
/// checked before it is used. So nothing that is written into the shared memory makes this side
/// leave the ring. Loads and stores that decide who wakes whom are seq_cst: of "I go to sleep, is
/// there anything?" and "there is something, does anybody sleep?" one sees the other.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace remora::detail {

/// What both sides see of a ring, each index on cache lines of its own. All zero at first.
struct ring_indices {
    alignas(128) std::atomic<std::uint64_t> head;           ///< bytes written, since the start
    alignas(128) std::atomic<std::uint64_t> tail;           ///< bytes read
    alignas(128) std::atomic<std::uint32_t> reader_sleeps;  ///< 1: wake the reader after writing
    alignas(
        128) std::atomic<std::uint32_t> writer_sleeps;  ///< 1: wake the writer when there is room
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
static_assert(sizeof(ring_indices) == 512);

/// The writing side. `data` is the ring, mapped twice in a row; its size is a power of two.
class ring_writer {
public:
    ring_writer() = default;
    ring_writer(ring_indices& shared, std::byte* data, std::size_t size)
        : shared_(&shared), data_(data), size_(size) {}

    /// Copies as many of the bytes as there is room for, shows them to the reader, and says how
    /// many. Throws `protocol_error` if the reader's index is none.
    std::size_t write(std::span<const std::byte> bytes);
    bool has_room();

    /// True if the reader sleeps, and it is on the caller to wake it.
    bool must_wake() noexcept {
        return shared_->reader_sleeps.load() != 0 && shared_->reader_sleeps.exchange(0) != 0;
    }
    void sleeps(bool asleep) noexcept { shared_->writer_sleeps.store(asleep ? 1 : 0); }

private:
    std::size_t room() const noexcept { return size_ - static_cast<std::size_t>(head_ - tail_); }
    void look();

    ring_indices* shared_ = nullptr;
    std::byte* data_ = nullptr;
    std::size_t size_ = 0;
    std::uint64_t head_ = 0;
    std::uint64_t tail_ = 0;  ///< as last seen
};

/// The reading side.
class ring_reader {
public:
    ring_reader() = default;
    ring_reader(ring_indices& shared, const std::byte* data, std::size_t size)
        : shared_(&shared), data_(data), size_(size) {}

    std::size_t size() const noexcept { return size_; }

    /// All that is written and not released, in one row. The writer may still change it. Throws
    /// `protocol_error` if the writer's index is none.
    std::span<const std::byte> unread();
    /// The first `count` unread bytes are not needed any more. Their room is given back when there
    /// is enough of it to be worth telling, or now.
    void release(std::size_t count) noexcept;
    void release_now(std::size_t count) noexcept;

    /// True if the writer sleeps, and it is on the caller to wake it. Otherwise than for `any` room
    /// only when there is so much of it that the writer is worth waking.
    bool must_wake(bool any) noexcept;
    void sleeps(bool asleep) noexcept { shared_->reader_sleeps.store(asleep ? 1 : 0); }

private:
    ring_indices* shared_ = nullptr;
    const std::byte* data_ = nullptr;
    std::size_t size_ = 0;
    std::uint64_t head_ = 0;  ///< as last seen
    std::uint64_t tail_ = 0;
    std::uint64_t shown_tail_ = 0;
};

}  // namespace remora::detail
