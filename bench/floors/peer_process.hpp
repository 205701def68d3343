// SPDX-License-Identifier: MIT
/// A fork of this process that serves it, and dies with it.
#pragma once

#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace bench {

/// Ends this process if a system call has failed.
inline int checked(int result, const char* what) {
    if (result >= 0) return result;
    std::perror(what);
    std::exit(1);
}

class peer_process {
public:
    /// Runs `body` in the fork. If the fork ends by itself, so does this process.
    template <class Body>
    explicit peer_process(Body body) {
        const pid_t parent = ::getpid();
        std::signal(SIGCHLD, [](int) { ::_exit(1); });
        id_ = checked(::fork(), "fork");
        if (id_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (::getppid() == parent) body();
            ::_exit(1);
        }
        ::clock_getcpuclockid(id_, &clock_);
    }
    peer_process(const peer_process&) = delete;
    peer_process& operator=(const peer_process&) = delete;
    ~peer_process() {
        std::signal(SIGCHLD, SIG_DFL);
        ::kill(id_, SIGKILL);
        ::waitpid(id_, nullptr, 0);
    }

    pid_t id() const { return id_; }

    /// Nanoseconds; of a process that is running, as of the last tick of the scheduler.
    std::int64_t cpu_time() const {
        timespec t{};
        ::clock_gettime(clock_, &t);
        return t.tv_sec * 1'000'000'000LL + t.tv_nsec;
    }

private:
    pid_t id_ = -1;
    clockid_t clock_{};
};

}  // namespace bench
