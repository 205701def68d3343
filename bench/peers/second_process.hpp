// SPDX-License-Identifier: MIT
/// The other process of a peer, from its start to its end.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace peer {

[[noreturn]] inline void fail(const char* what) {
    std::fprintf(stderr, "%s: %s\n", program_invocation_short_name, what);
    std::_Exit(1);
}

/// A child that ends with this process, and this process with it. To be made while this process
/// has one thread only, since it is a fork of it.
class second_process {
public:
    /// Calls `serve(ready)` in the child, and returns when that has called `ready()`. `end` is the
    /// signal that ends it.
    template <class Serve>
    explicit second_process(Serve serve, int end = SIGKILL) : end_(end) {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) fail("no pipe");
        std::signal(SIGCHLD, [](int) { fail("a process that belongs to this one has ended"); });
        const pid_t parent = ::getpid();
        pid_ = ::fork();
        if (pid_ < 0) fail("no second process");
        if (pid_ == 0) {
            std::signal(SIGCHLD, SIG_DFL);
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (::getppid() != parent) std::_Exit(1);
            ::close(ends[0]);
            serve([&] { ::close(ends[1]); });
            std::exit(0);
        }
        ::close(ends[1]);
        char none;
        while (::read(ends[0], &none, 1) < 0) {
        }
        ::close(ends[0]);
    }
    second_process(const second_process&) = delete;
    second_process& operator=(const second_process&) = delete;
    ~second_process() { end(); }

    /// Ends it, if it has not been ended before, and waits until it has.
    void end() {
        if (pid_ == 0) return;
        std::signal(SIGCHLD, SIG_DFL);
        ::kill(pid_, end_);
        ::waitpid(std::exchange(pid_, 0), nullptr, 0);
    }

    pid_t id() const { return pid_; }
    /// Nanoseconds of CPU time that it has used so far, all its threads together.
    std::int64_t cpu_time() const {
        clockid_t clock;
        timespec t{};
        ::clock_getcpuclockid(pid_, &clock);
        ::clock_gettime(clock, &t);
        return t.tv_sec * 1'000'000'000LL + t.tv_nsec;
    }

private:
    pid_t pid_;
    int end_;
};

}  // namespace peer
