// SPDX-License-Identifier: MIT
/// How senders wait.
#pragma once

#include <remora/detail/endpoint.hpp>

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

}  // namespace remora::detail
