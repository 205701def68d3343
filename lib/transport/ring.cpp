// SPDX-License-Identifier: MIT
#include "transport/ring.hpp"

#include <remora/error.hpp>

#include <algorithm>
#include <cstring>

namespace remora::detail {
namespace {

// A large message is shown in pieces, so that the reader can begin while it is being written.
constexpr std::size_t largest_piece = 64u << 10;

}  // namespace

// A sequence lock, as in Boehm, "Can seqlocks get along with programming language memory models?",
// MSPC 2012.
void express_line::put(std::span<const std::byte> bytes, std::uint64_t end) noexcept {
    std::array<std::uint64_t, capacity / 8> words{};
    std::memcpy(words.data(), bytes.data(), bytes.size());
    stamp_.store(0, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_release);
    for (std::size_t i = 0; i != words.size(); ++i)
        words_[i].store(words[i], std::memory_order_relaxed);
    stamp_.store(end << 8 | bytes.size(), std::memory_order_release);
}

std::size_t express_line::take(std::uint64_t begin, std::byte* to) const noexcept {
    const std::uint64_t stamp = stamp_.load(std::memory_order_acquire);
    const std::uint64_t count = stamp & 0xff;
    if (count == 0 || count > capacity || stamp != ((begin + count) << 8 | count)) return 0;
    std::array<std::uint64_t, capacity / 8> words;
    for (std::size_t i = 0; i != words.size(); ++i)
        words[i] = words_[i].load(std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_acquire);
    if (stamp_.load(std::memory_order_relaxed) != stamp) return 0;
    std::memcpy(to, words.data(), capacity);
    return static_cast<std::size_t>(count);
}

void ring_writer::load_tail() {
    const std::uint64_t tail = shared_->tail.load();
    if (tail - tail_ > head_ - tail_) [[unlikely]] {
        throw_error(errc::protocol_error, "a ring whose reader is ahead of its writer");
    }
    tail_ = tail;
}

bool ring_writer::has_room() {
    if (room() == 0) load_tail();
    return room() != 0;
}

// Nobody reads while all is read, so what comes next may lie anywhere. A reader that is behind is
// asked again for a while, and then after four times as much.
void ring_writer::rewind() {
    load_tail();
    const std::uint64_t written = head_ - origin_;
    if (tail_ == head_) {
        origin_ = head_;
        next_rewind_ = rewind_after;
        shared_->origin.store(origin_, std::memory_order_relaxed);
    } else if (written > next_rewind_ + rewind_after) {
        next_rewind_ = written + std::min<std::uint64_t>(3 * written, size_);
    }
}

std::size_t ring_writer::write(std::span<const std::byte> bytes, bool express) {
    if (head_ - origin_ >= next_rewind_) rewind();
    if (room() < bytes.size()) load_tail();
    const std::size_t all = std::min(bytes.size(), room());
    if (express && all == bytes.size() && all <= express_line::capacity)
        line_->put(bytes, head_ + all);
    for (std::size_t done = 0; done < all;) {
        const std::size_t piece = std::min(all - done, largest_piece);
        std::memcpy(data_ + ((head_ - origin_) & (size_ - 1)), bytes.data() + done, piece);
        done += piece;
        head_ += piece;
        shared_->head.store(head_);
    }
    return all;
}

std::span<const std::byte> ring_reader::unread() {
    const std::uint64_t head = shared_->head.load();
    if (head - head_ > tail_ + size_ - head_) [[unlikely]] {
        throw_error(errc::protocol_error,
                    "a ring whose writer is ahead of its reader by more than " +
                        std::to_string(size_) + " bytes");
    }
    // Where something is unread, the origin has not moved.
    if (head != head_ && static_cast<std::int64_t>(head_ - tail_) <= 0)
        origin_ = shared_->origin.load(std::memory_order_relaxed);
    head_ = head;
    const auto count = static_cast<std::int64_t>(head_ - tail_);
    return {data_ + ((tail_ - origin_) & (size_ - 1)),
            static_cast<std::size_t>(std::max<std::int64_t>(count, 0))};
}

void ring_reader::release(std::size_t count) noexcept {
    tail_ += count;
    const std::uint64_t more = tail_ - shown_tail_;
    const bool all_read = static_cast<std::int64_t>(head_ - tail_) <= 0;
    if (more >= size_ / 8 || (moves_origin_ && all_read && more >= rewind_after / 2))
        release_now(0);
}

void ring_reader::release_now(std::size_t count) noexcept {
    tail_ += count;
    if (tail_ == shown_tail_) return;
    shown_tail_ = tail_;
    shared_->tail.store(tail_);
}

bool ring_reader::must_wake(bool any) noexcept {
    const auto used = static_cast<std::int64_t>(head_ - shown_tail_);
    if (!any && used > static_cast<std::int64_t>(size_ - size_ / 4)) return false;
    return shared_->writer_sleeps.load() != 0 && shared_->writer_sleeps.exchange(0) != 0;
}

}  // namespace remora::detail
