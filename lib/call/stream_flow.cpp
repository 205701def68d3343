// SPDX-License-Identifier: MIT
#include <remora/detail/call/stream_flow.hpp>

#include <algorithm>
#include <cstring>
#include <utility>

namespace remora::detail {

bool stream_credit::granted(std::uint64_t bytes) noexcept {
    // Never more than what was sent, which left_ has lost.
    const std::int64_t most = stream_window - left_;
    if (most < 0 || bytes > static_cast<std::uint64_t>(most)) return false;
    left_ += static_cast<std::int64_t>(bytes);
    return true;
}

stream_inbox::verdict stream_inbox::arrived(std::uint64_t tag, std::span<const std::byte> item,
                                            std::size_t frame, std::span<const block_ref> loans) {
    if (ended_ && !discarding_) return verdict::after_end;
    if (left_ <= 0) return verdict::too_much;
    const std::size_t before = takes_any() ? sizeof tag : 0;
    if (tag != tag_ && before == 0 && !discarding_) return verdict::wrong_type;
    left_ -= static_cast<std::int64_t>(frame);
    if (discarding_) return verdict::taken;
    const lengths sizes{static_cast<std::uint32_t>(before + item.size()),
                        static_cast<std::uint32_t>(frame),
                        static_cast<std::uint32_t>(loans.size())};
    loans_.reserve(loans_.size() + loans.size());
    std::byte* to = bytes_.extend(sizeof sizes + before + item.size());
    loans_.insert(loans_.end(), loans.begin(), loans.end());
    std::memcpy(to, &sizes, sizeof sizes);
    std::memcpy(to + sizeof sizes, &tag, before);
    to += sizeof sizes + before;
    if (!item.empty()) std::memcpy(to, item.data(), item.size());
    return verdict::taken;
}

void stream_inbox::end(std::exception_ptr why) noexcept {
    if (ended_) return;
    ended_ = true;
    failure_ = std::move(why);
}

void stream_inbox::refuse(std::exception_ptr why) noexcept {
    end(std::move(why));
    discarding_ = true;
}

stream_inbox::lengths stream_inbox::front_lengths() const noexcept {
    lengths sizes;
    std::memcpy(&sizes, bytes_.data() + first_, sizeof sizes);
    return sizes;
}

std::span<const std::byte> stream_inbox::front() const noexcept {
    return {bytes_.data() + first_ + sizeof(lengths), front_lengths().item};
}

std::span<const block_ref> stream_inbox::front_loans() const noexcept {
    return {loans_.data(), front_lengths().loans};
}

void stream_inbox::pop() noexcept {
    const lengths sizes = front_lengths();
    if (sizes.loans != 0) [[unlikely]]
        loans_.erase(loans_.begin(), loans_.begin() + sizes.loans);
    first_ += sizeof sizes + sizes.item;
    owed_ += sizes.frame;
    if (first_ == bytes_.size()) {
        bytes_.clear();
        first_ = 0;
    } else if (first_ > bytes_.size() / 2) {
        bytes_.erase_front(first_);
        first_ = 0;
    }
}

void stream_inbox::discard() noexcept {
    discarding_ = true;
    bytes_ = byte_buffer();
    loans_.clear();
    first_ = 0;
}

std::int64_t stream_inbox::wanted() const noexcept {
    const bool drained = empty() && owed_ >= window_ / 2;
    return drained && !ended_ ? std::min(window_, stream_window - window_) : 0;
}

void stream_inbox::grow(std::int64_t bytes) noexcept {
    window_ += bytes;
    owed_ += bytes;
}

std::uint64_t stream_inbox::take_credit() noexcept {
    // In few, large pieces. A producer without credit is owed at least a window once all is taken.
    if (ended_ || owed_ < window_ / 2) return 0;
    left_ += owed_;
    return static_cast<std::uint64_t>(std::exchange(owed_, 0));
}

}  // namespace remora::detail
