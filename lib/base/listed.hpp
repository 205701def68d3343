// SPDX-License-Identifier: MIT
/// How coroutines wait for something that is told to all of them.
#pragma once

#include <remora/asio.hpp>

#include <vector>

namespace remora::detail {

/// Takes a timer into a list for as long as a coroutine waits on it.
class listed {
public:
    listed(std::vector<asio::steady_timer*>& list, asio::steady_timer& timer)
        : list_(list), timer_(timer) {
        list_.push_back(&timer);
    }
    ~listed() { std::erase(list_, &timer_); }
    listed(const listed&) = delete;
    listed& operator=(const listed&) = delete;

private:
    std::vector<asio::steady_timer*>& list_;
    asio::steady_timer& timer_;
};

}  // namespace remora::detail
