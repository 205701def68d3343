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

void ring_writer::look() {
    const std::uint64_t tail = shared_->tail.load();
    if (tail - tail_ > head_ - tail_) [[unlikely]] {
        raise(errc::protocol_error, "a ring whose reader is ahead of its writer");
    }
    tail_ = tail;
}

bool ring_writer::has_room() {
    if (room() == 0) look();
    return room() != 0;
}

std::size_t ring_writer::write(std::span<const std::byte> bytes) {
    if (room() < bytes.size()) look();
    const std::size_t all = std::min(bytes.size(), room());
    for (std::size_t done = 0; done < all;) {
        const std::size_t piece = std::min(all - done, largest_piece);
        std::memcpy(data_ + (head_ & (size_ - 1)), bytes.data() + done, piece);
        done += piece;
        head_ += piece;
        shared_->head.store(head_);
    }
    return all;
}

std::span<const std::byte> ring_reader::unread() {
    const std::uint64_t head = shared_->head.load();
    if (head - tail_ > size_ || head - tail_ < head_ - tail_) [[unlikely]] {
        raise(errc::protocol_error, "a ring whose writer is ahead of its reader by more than " +
                                        std::to_string(size_) + " bytes");
    }
    head_ = head;
    return {data_ + (tail_ & (size_ - 1)), static_cast<std::size_t>(head_ - tail_)};
}

void ring_reader::release(std::size_t count) noexcept {
    tail_ += count;
    if (tail_ - shown_tail_ >= size_ / 8) release_now(0);
}

void ring_reader::release_now(std::size_t count) noexcept {
    tail_ += count;
    if (tail_ == shown_tail_) return;
    shown_tail_ = tail_;
    shared_->tail.store(tail_);
}

bool ring_reader::must_wake(bool any) noexcept {
    const auto used = static_cast<std::size_t>(head_ - shown_tail_);
    if (!any && used > size_ - size_ / 4) return false;
    return shared_->writer_sleeps.load() != 0 && shared_->writer_sleeps.exchange(0) != 0;
}

}  // namespace remora::detail
