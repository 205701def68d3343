// SPDX-License-Identifier: MIT
#include "transport/borrower.hpp"

#include <remora/error.hpp>

#include <sys/mman.h>

#include <string>
#include <utility>

namespace remora::detail {
namespace {

[[noreturn]] void fail(const loan& l, const std::string& what) {
    throw_error(errc::protocol_error, "a loan of " + std::to_string(l.size) + " bytes at " +
                                          std::to_string(l.offset) + " in slot " +
                                          std::to_string(l.slot) + ", generation " +
                                          std::to_string(l.generation) + ": " + what);
}

}  // namespace

struct borrower::slot final : byte_block {
    slot(borrower& of, std::uint32_t which)
        : owner(of), given_back(of.memory_->given_back(other(of.memory_->mine()), which)) {}

    bool is_shared() const noexcept override { return true; }
    void drop_last() noexcept override {
        std::shared_ptr<borrower> last;  // unlocked before it goes
        const std::lock_guard lock(owner.mutex_);
        if (!leave()) return;
        last = std::move(keeps);
        returned += static_cast<std::uint32_t>(std::exchange(owed, 0));
        given_back.store(returned, std::memory_order_release);
    }
    bool overlaps(const loan& l) const noexcept {
        return owed != 0 && l.offset < lent.offset + lent.size && lent.offset < l.offset + l.size;
    }

    using byte_block::place;

    borrower& owner;
    std::atomic<std::uint32_t>& given_back;
    loan lent;                        ///< the last one
    std::uint64_t table = 0;          ///< that it was in
    std::uint64_t owed = 0;           ///< loans that were not given back
    std::uint32_t returned = 0;       ///< as the page says
    std::shared_ptr<borrower> keeps;  ///< while it is used
};

borrower::borrower(std::shared_ptr<shared_rings> memory) : memory_(std::move(memory)) {
}

borrower::~borrower() {
    if (!bytes_.empty()) ::munmap(bytes_.data(), bytes_.size());
}

void borrower::borrow(std::span<const std::byte> table, std::vector<block_ref>& into) {
    const std::lock_guard lock(mutex_);
    into.reserve(table.size() / loan::size_in_table);
    // Nothing that is borrowed is given back because there is no memory for the next one.
    for (auto rest = table; !rest.empty(); rest = rest.subspan(loan::size_in_table))
        slot_of(loan::load(rest.data()));
    ++tables_;
    for (; !table.empty(); table = table.subspan(loan::size_in_table)) {
        const loan l = loan::load(table.data());
        slot& s = slot_of(l);
        check(s, l);
        if (bytes_.empty())
            bytes_ = memory_->map_lent(other(memory_->mine()), memory_->lent_size());
        s.lent = l;
        s.table = tables_;
        if (s.owed++ == 0) {
            s.place(bytes_.subspan(l.offset, l.size));
            s.keeps = shared_from_this();
        }
        into.emplace_back(s);
    }
}

borrower::slot& borrower::slot_of(const loan& l) {
    if (l.slot >= most_loans) fail(l, "there is no such slot");
    while (slots_.size() <= l.slot)
        slots_.push_back(std::make_unique<slot>(*this, static_cast<std::uint32_t>(slots_.size())));
    return *slots_[l.slot];
}

void borrower::check(const slot& s, const loan& l) const {
    const std::uint64_t range = memory_->lent_size();
    if (l.size == 0 || l.offset > range || l.size > range - l.offset)
        fail(l, "not within the " + std::to_string(range) + " bytes of the range");
    if (s.table == tables_) fail(l, "twice in one table");
    const bool is_same =
        l.generation == s.lent.generation && l.offset == s.lent.offset && l.size == s.lent.size;
    if (static_cast<std::int32_t>(l.generation - s.lent.generation) < 0)
        fail(l, "stale, it has come to generation " + std::to_string(s.lent.generation));
    if (s.owed != 0 && !is_same) fail(l, "another block is still borrowed there");
    if (s.owed != 0) return;
    for (const auto& each : slots_)
        if (each->overlaps(l)) fail(l, "it overlaps one that is still borrowed");
}

}  // namespace remora::detail
