// SPDX-License-Identifier: MIT
/// The calls that one end of a pipe makes, and which answer belongs to which. No input or output.
#pragma once

#include <remora/detail/call/pooled_map.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>

namespace remora::detail {

class pending_call;

/// Calls from their beginning to their answer. A call that nobody waits for any more is abandoned.
/// It is answered all the same, and stays here until then, so that its answer is told from a second
/// one.
class call_table {
public:
    using id = std::uint64_t;
    using time = std::chrono::steady_clock::time_point;
    using duration = std::chrono::nanoseconds;

    enum class verdict {
        expected,   ///< somebody waits for it
        abandoned,  ///< nobody waits for it any more
        unknown,    ///< no such call was ever made
        repeated,   ///< the call was answered before
    };
    /// What a frame that names a call is, and whose; null for what is not expected.
    struct match {
        verdict what;
        pending_call* call = nullptr;
    };

    /// True if one more call may be made now, beside so many.
    bool has_room(std::size_t others = 0) const noexcept {
        return calls_.size() + others < window_;
    }
    /// The same for a call that is made while one of the other end is served: twice as many may be.
    bool has_reserve(std::size_t others) const noexcept {
        return calls_.size() + others < 2 * window_;
    }
    /// How many calls the other end lets be unanswered. One, until it has said more.
    void set_window(std::size_t calls) noexcept { window_ = calls; }

    /// A new call, with the next number; `limit` is how long it may take, as expired() tells it.
    id begin(pending_call& call, time until, duration limit = duration::max());
    /// Of a frame of call `n`, which goes on.
    match find(id n) const;
    /// Of the last frame of call `n`, which is not there any more afterwards.
    match finish(id n);
    /// Nobody waits for this call any more. False if nobody did.
    bool abandon(id n);
    /// From now on `call` waits for the answer, in the place of another one.
    void replace(id n, pending_call& call) noexcept { calls_.find(n)->second.call = &call; }
    /// The request was not sent.
    void withdraw(id n) { finish(n); }

    /// A call whose time has passed, and which is waited for.
    struct late_call {
        id number;
        duration limit;
    };
    std::optional<late_call> expired(time now) const;
    /// When the next one's has passed: time::max() if there is none.
    time next_deadline() const noexcept;

    /// Takes out any call; null when none is waited for. For the end of the conversation.
    pending_call* extract_any();

    /// Calls that are not answered, waited for or not.
    std::size_t size() const noexcept { return calls_.size(); }
    /// Calls that were begun so far.
    std::uint64_t begun() const noexcept { return last_; }

private:
    struct entry {
        pending_call* call = nullptr;  ///< null: abandoned
        time until = time::max();
    };
    using entries = pooled_map<id, entry>;

    match match_of(entries::const_iterator found, id n) const;
    void erase(entries::const_iterator found);
    void forget_deadline(const entry& e, id n);

    entries calls_;
    std::map<std::pair<time, id>, duration> deadlines_;
    id last_ = 0;
    std::size_t window_ = 1;
};

}  // namespace remora::detail
