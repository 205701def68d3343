// SPDX-License-Identifier: MIT
/// What an end of a pipe has to wait with.
#pragma once

#include "polling/busy_poller.hpp"
#include "polling/spin_policy.hpp"

#include <remora/detail/pipe/pipe_state.hpp>

namespace remora::detail {

// A suspended sender. It lives in the sender's frame, which the io_context owns: nothing leaks when
// the context goes while somebody waits.
struct endpoint::waiter {
    asio::steady_timer timer;
    position where{};
    bool done = false;
    bool failed = false;

    void wake() {
        done = true;
        timer.cancel();
    }
};

// Takes a waiter into a list for as long as it waits.
class endpoint::waiting {
public:
    waiting(std::vector<waiter*>& list, waiter& entry) : list_(list), entry_(entry) {
        list_.push_back(&entry);
    }
    ~waiting() { std::erase(list_, &entry_); }
    waiting(const waiting&) = delete;
    waiting& operator=(const waiting&) = delete;

private:
    std::vector<waiter*>& list_;
    waiter& entry_;
};

// What the reader and the pump need to watch before they sleep.
struct endpoint::waits {
    waits(endpoint& end, wait_policy policy, bool costly)
        : place(lookout::of(end.executor_)),
          reading(policy),
          writing(policy),
          to_read([&end] { return end.has_arrived(); }, costly),
          to_write([&end] { return end.has_left(); }, costly) {}

    std::shared_ptr<lookout> place;
    spin_policy reading;
    spin_policy writing;
    lookout::watch to_read;
    lookout::watch to_write;
    bool watches = false;  ///< the reader, in the wait that goes on
};

}  // namespace remora::detail
