// SPDX-License-Identifier: MIT
/// A thread that ends this process if the server has vanished and the app does not end by itself.
#pragma once

#include "base/unique_fd.hpp"

#include <atomic>
#include <chrono>
#include <thread>

namespace remora::detail {

class parent_watchdog {
public:
    /// Watches for the end of `control_fd`, which stays the caller's.
    parent_watchdog(int control_fd, std::chrono::nanoseconds limit);
    /// The app has come to its end.
    ~parent_watchdog();
    parent_watchdog(const parent_watchdog&) = delete;
    parent_watchdog& operator=(const parent_watchdog&) = delete;

    /// Also watches the server's pidfd, which stays the caller's. Any thread.
    void watch(int pidfd);

private:
    void work();
    bool wait_for_death();
    void poll(int milliseconds);

    unique_fd control_;
    unique_fd changed_;             ///< an eventfd: something changed
    std::atomic<int> server_ = -1;  ///< a copy of the pidfd, closed with the thread
    std::atomic<bool> ended_ = false;
    std::chrono::nanoseconds limit_;
    std::thread thread_;
};

}  // namespace remora::detail
