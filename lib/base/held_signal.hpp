// SPDX-License-Identifier: MIT
/// Keeps a signal from this thread.
#pragma once

#include <signal.h>
#include <time.h>

#include <cerrno>

namespace remora::detail {

/// Keeps a signal that a system call of this thread brings, such as SIGPIPE, from it as long as it
/// lives, and discards one that came meanwhile.
class held_signal {
public:
    explicit held_signal(int number) noexcept : number_(number) {
        ::sigemptyset(&set_);
        ::sigaddset(&set_, number);
        was_pending_ = is_pending();
        ::pthread_sigmask(SIG_BLOCK, &set_, &before_);
    }
    ~held_signal() {
        constexpr timespec none{};
        while (!was_pending_ && is_pending() && ::sigtimedwait(&set_, nullptr, &none) < 0 &&
               errno == EINTR) {
        }
        ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }
    held_signal(const held_signal&) = delete;
    held_signal& operator=(const held_signal&) = delete;

private:
    bool is_pending() const noexcept {
        sigset_t pending;
        ::sigpending(&pending);
        return ::sigismember(&pending, number_) == 1;
    }

    int number_;
    sigset_t set_{};
    sigset_t before_{};
    bool was_pending_ = false;
};

}  // namespace remora::detail
