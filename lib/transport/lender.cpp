// SPDX-License-Identifier: MIT
#include "transport/lender.hpp"

#include <remora/error.hpp>

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

namespace remora::detail {
namespace {

constexpr std::uint32_t not_pending = std::numeric_limits<std::uint32_t>::max();

std::uint64_t to_pages(std::uint64_t size) {
    return (size + page_size() - 1) / page_size() * page_size();
}

}  // namespace

// A block, one after the other. While it is used, or lent, `has_block`.
struct lender::slot final : byte_block {
    slot(lender& of, std::uint32_t which)
        : owner(of), number(which), given_back(of.memory_->given_back(of.memory_->mine(), which)) {}

    bool is_shared() const noexcept override { return true; }
    void drop_last() noexcept override {
        std::shared_ptr<lender> last;  // unlocked before it goes
        const std::lock_guard lock(owner.mutex_);
        if (leave()) last = std::move(keeps);
        if (last) collect();
    }
    // The block is free once it is neither used nor lent.
    void collect() noexcept {
        if (!has_block || is_used() || given_back.load(std::memory_order_acquire) != lent) return;
        has_block = false;
        owner.map_.give_back(offset);
    }
    loan as_loan() const noexcept { return {number, generation, offset, bytes().size()}; }

    using byte_block::place;

    lender& owner;
    const std::uint32_t number;
    std::atomic<std::uint32_t>& given_back;
    std::uint32_t generation = 0;
    std::uint32_t lent = 0;  ///< loans of the slot, since the start
    std::uint32_t pending = not_pending;
    std::uint64_t offset = 0;
    bool has_block = false;
    std::shared_ptr<lender> keeps;  ///< while it is used
};

lender::lender(std::shared_ptr<shared_rings> memory, std::uint64_t limit)
    : memory_(std::move(memory)),
      limit_(std::min(limit, memory_->lent_size()) / page_size() * page_size()),
      map_(limit_) {
}

lender::~lender() {
    if (!bytes_.empty()) ::munmap(bytes_.data(), bytes_.size());
}

block_ref lender::allocate(std::size_t size) {
    if (size > limit_) return {};
    const std::lock_guard lock(mutex_);
    collect();
    slot* const free = find_slot();
    if (free == nullptr) return {};
    const auto found = map_.take(to_pages(size));
    if (!found) return {};
    if (!found->has_pages && !commit(found->offset, to_pages(size))) {
        map_.give_back(found->offset, false);
        return {};
    }
    free->offset = found->offset;
    free->place(bytes_.subspan(found->offset, size), this);
    free->has_block = true;
    free->keeps = shared_from_this();
    ++free->generation;
    return block_ref(*free);
}

// Those that the other end has given back since.
void lender::collect() noexcept {
    for (const auto& each : slots_)
        each->collect();
}

lender::slot* lender::find_slot() {
    const auto free = std::ranges::find(slots_, false, [](const auto& s) { return s->has_block; });
    if (free != slots_.end()) return free->get();
    if (slots_.size() == most_loans) return nullptr;
    const auto number = static_cast<std::uint32_t>(slots_.size());
    return slots_.emplace_back(std::make_unique<slot>(*this, number)).get();
}

// Without memory the bytes travel.
bool lender::commit(std::uint64_t offset, std::uint64_t size) noexcept try {
    if (bytes_.empty()) bytes_ = memory_->map_lent(memory_->mine(), limit_);
    memory_->commit_lent(offset, size);
    return true;
} catch (const std::exception&) {
    return false;
}

std::optional<std::uint32_t> lender::lend(byte_block& block) {
    auto& lent = static_cast<slot&>(block);
    if (lent.pending == not_pending) {
        if (pending_.size() == most_loans) return std::nullopt;
        const auto number = static_cast<std::uint32_t>(pending_.size());
        pending_.emplace_back(block);
        lent.pending = number;
    }
    return lent.pending;
}

void lender::put_table(byte_buffer& out) const {
    const auto count = static_cast<std::uint32_t>(pending_.size());
    std::byte* to = out.extend(loan::size_in_table * count + sizeof count);
    for (const block_ref& each : pending_) {
        static_cast<const slot&>(*each).as_loan().store(to);
        to += loan::size_in_table;
    }
    std::memcpy(to, &count, sizeof count);
}

void lender::lend_pending() noexcept {
    if (pending_.empty()) return;
    {
        const std::lock_guard lock(mutex_);
        for (const block_ref& each : pending_)
            ++static_cast<slot&>(*each).lent;
    }
    drop_pending();
}

void lender::drop_pending() noexcept {
    for (const block_ref& each : pending_)
        static_cast<slot&>(*each).pending = not_pending;
    pending_.clear();
}

void lender::take_back(std::span<const std::byte> frames) noexcept {
    const std::lock_guard lock(mutex_);
    while (!frames.empty()) {
        frame f{.header = frame_header::load(frames.data()), .type_name = {}, .payload = {}};
        f.payload = frames.subspan(frame_header::size, f.header.length);
        frames = frames.subspan(f.size());
        if ((f.header.flags & frame_header::lends) == 0) continue;
        split_loans(f);
        for (; !f.loans.empty(); f.loans = f.loans.subspan(loan::size_in_table))
            --slots_[loan::load(f.loans.data()).slot]->lent;
    }
}

}  // namespace remora::detail
