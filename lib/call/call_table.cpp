// SPDX-License-Identifier: MIT
#include <remora/detail/call/call_table.hpp>

#include <algorithm>
#include <new>

namespace remora::detail {

call_table::id call_table::begin(pending_call& call, time until) {
    const id n = last_ + 1;
    const auto made = calls_.emplace(n, entry{&call, until});
    try {
        if (until != time::max()) deadlines_.emplace(until, n);
    } catch (...) {
        calls_.erase(made);
        throw;
    }
    return last_ = n;
}

call_table::answer call_table::find(id n) const {
    return answer_of(calls_.find(n), n);
}

call_table::answer call_table::answer_of(entries::const_iterator found, id n) const {
    if (found == calls_.end()) {
        return {n == 0 || n > last_ ? verdict::unknown : verdict::repeated};
    }
    pending_call* const call = found->second.call;
    return {call == nullptr ? verdict::late : verdict::expected, call};
}

call_table::answer call_table::finish(id n) {
    const auto found = calls_.find(n);
    const answer what = answer_of(found, n);
    if (found != calls_.end()) erase(found);
    return what;
}

bool call_table::abandon(id n) {
    const auto found = calls_.find(n);
    if (found == calls_.end() || found->second.call == nullptr) return false;
    forget_deadline(found->second, n);
    found->second = {nullptr, time::max()};
    return true;
}

void call_table::erase(entries::const_iterator found) {
    forget_deadline(found->second, found->first);
    calls_.erase(found);
}

void call_table::forget_deadline(const entry& e, id n) {
    if (e.until != time::max()) deadlines_.erase({e.until, n});
}

std::optional<call_table::id> call_table::expired(time now) const {
    if (next_deadline() > now) return std::nullopt;
    return deadlines_.begin()->second;
}

call_table::time call_table::next_deadline() const noexcept {
    return deadlines_.empty() ? time::max() : deadlines_.begin()->first;
}

pending_call* call_table::take_any() {
    while (!calls_.empty()) {
        const auto first = calls_.begin();
        pending_call* const call = first->second.call;
        erase(first);
        if (call != nullptr) return call;
    }
    return nullptr;
}

served_table::verdict served_table::admit(std::uint64_t id, bool in_pieces) noexcept {
    if (id <= last_ && !in_pieces) return verdict::repeated;
    if (in_flight_ >= limit_) return verdict::too_many;
    last_ = std::max(last_, id);
    ++in_flight_;
    return verdict::admitted;
}

void served_table::answered(std::uint64_t position) noexcept try {
    queued_.push_back(position);
} catch (const std::bad_alloc&) {  // the answer stands: it is counted as written
    --in_flight_;
}

void served_table::withdrawn(std::uint64_t position, std::uint64_t bytes) noexcept {
    for (std::size_t i = queued_.size(); i != first_ && queued_[i - 1] > position; --i)
        queued_[i - 1] -= bytes;
}

void served_table::written(std::uint64_t position) noexcept {
    while (first_ != queued_.size() && queued_[first_] <= position) {
        ++first_;
        --in_flight_;
    }
    if (first_ < queued_.size() / 2) return;
    queued_.erase(queued_.begin(), queued_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
}

}  // namespace remora::detail
