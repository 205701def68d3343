// SPDX-License-Identifier: MIT
// What an end of a pipe lends to the other end, and borrows from it.
#include <remora/detail/pipe/pipe_state.hpp>

#include "transport/borrower.hpp"
#include "transport/lender.hpp"
#include "transport/transport.hpp"
#include "wire/control_records.hpp"

namespace remora::detail {
namespace {
// A copy of less costs no more than what lending does.
constexpr std::size_t least_lent = 4096;
}  // namespace

block_ref pipe_state::allocate(std::size_t size) {
    if (size == 0) return {};
    if (size >= least_lent && lender_ == nullptr) make_lender();
    if (size >= least_lent && lender_ != nullptr)
        if (auto block = lender_->allocate(size)) return block;
    return make_own_block(size);
}

void pipe_state::make_lender() {
    if (transport_closed_ || !has_agreed(wire::lending)) return;
    auto memory = transport_->lendable();
    if (!memory) return;
    lender_ = std::make_shared<lender>(std::move(memory), limits_.lent);
    block_lender_ = lender_.get();
}

void pipe_state::end_frame_with_loans(position& p) {
    if (lender_->has_pending()) {
        lender_->put_table(out());
        writer_.mark_lending(p);
    }
    writer_.end_frame(p);
    lender_->lend_pending();
}

void pipe_state::drop_frame(position p) noexcept {
    if (lender_) lender_->drop_pending();
    writer_.drop_frame(p);
}

void pipe_state::borrow(const frame& f) {
    if (!loans_.empty()) return;  // it was at the head before
    if (!borrower_) borrower_ = std::make_shared<borrower>(transport_->lendable());
    try {
        borrower_->borrow(f.loans, loans_);
    } catch (...) {
        loans_.clear();
        reader_.forget_head();
        throw;
    }
}

}  // namespace remora::detail
