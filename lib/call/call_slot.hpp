// SPDX-License-Identifier: MIT
/// A caller that waits until the other end lets one more call be unanswered.
#pragma once

#include <remora/detail/call/call_session.hpp>

namespace remora::detail {

// It lives in the caller's frame, and is in the session's line until it is granted. Then it counts
// as a call until it is used or given up.
struct call_session::turn {
    turn(call_session& who, deadline until)
        : session(who), timer(who.end_.executor(), until), link(who.end_of_turns_) {
        *link = this;
        session.end_of_turns_ = &next;
    }
    ~turn() {
        leave_line();
        if (!granted) return;
        use();
        session.grant_turns();
    }
    turn(const turn&) = delete;
    turn& operator=(const turn&) = delete;

    void grant() {
        leave_line();
        granted = true;
        ++session.granted_;
        timer.cancel();
    }
    /// What it was granted is the caller's now.
    void use() noexcept {
        granted = false;
        --session.granted_;
    }

    call_session& session;
    asio::steady_timer timer;
    bool granted = false;
    turn* next = nullptr;
    turn** link;  ///< what refers to this one; null once it is out of the line

private:
    void leave_line() noexcept {
        if (link == nullptr) return;
        *link = next;
        (next != nullptr ? next->link : session.end_of_turns_) = link;
        link = nullptr;
    }
};

}  // namespace remora::detail
