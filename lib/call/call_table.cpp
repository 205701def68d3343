// SPDX-License-Identifier: MIT
#include <remora/detail/call/call_table.hpp>

namespace remora::detail {

call_table::id call_table::begin(pending_call& call, time until, duration limit) {
    const id n = last_ + 1;
    const auto made = calls_.emplace(n, entry{&call, until});
    try {
        if (until != time::max()) deadlines_.emplace(std::pair(until, n), limit);
    } catch (...) {
        calls_.erase(made);
        throw;
    }
    return last_ = n;
}

call_table::match call_table::find(id n) const {
    return match_of(calls_.find(n), n);
}

call_table::match call_table::match_of(entries::const_iterator found, id n) const {
    if (found == calls_.end()) {
        return {n == 0 || n > last_ ? verdict::unknown : verdict::repeated};
    }
    pending_call* const call = found->second.call;
    return {call == nullptr ? verdict::abandoned : verdict::expected, call};
}

call_table::match call_table::finish(id n) {
    const auto found = calls_.find(n);
    const match what = match_of(found, n);
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

std::optional<call_table::late_call> call_table::expired(time now) const {
    if (next_deadline() > now) return std::nullopt;
    const auto& [first, limit] = *deadlines_.begin();
    return late_call{first.second, limit};
}

call_table::time call_table::next_deadline() const noexcept {
    return deadlines_.empty() ? time::max() : deadlines_.begin()->first.first;
}

pending_call* call_table::extract_any() {
    while (!calls_.empty()) {
        const auto first = calls_.begin();
        pending_call* const call = first->second.call;
        erase(first);
        if (call != nullptr) return call;
    }
    return nullptr;
}

}  // namespace remora::detail
