// SPDX-License-Identifier: MIT
/// A caller that waits until the other end lets one more call be unanswered.
#pragma once

#include <remora/detail/call_session.hpp>

namespace remora::detail {

// It lives in the caller's frame. Once granted it counts as a call until it is used or given up.
struct call_session::turn {
    turn(call_session& who, deadline until) : session(who), timer(who.end_.executor(), until) {
        session.turns_.push_back(this);
    }
    ~turn() {
        std::erase(session.turns_, this);
        if (!granted) return;
        use();
        session.grant_turns();
    }
    turn(const turn&) = delete;
    turn& operator=(const turn&) = delete;

    /// What it was granted is the caller's now.
    void use() noexcept {
        granted = false;
        --session.granted_;
    }

    call_session& session;
    asio::steady_timer timer;
    bool granted = false;
};

}  // namespace remora::detail
