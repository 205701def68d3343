// SPDX-License-Identifier: MIT
/// Processes that compute, beside the measured ones.
#pragma once

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vector>

namespace bench {

/// They compute as long as this object lives, on the CPUs that this process may use.
class hogs {
public:
    explicit hogs(int count) {
        const pid_t parent = ::getpid();
        for (int i = 0; i < count; ++i) {
            const pid_t id = ::fork();
            if (id == 0) compute(parent);
            if (id > 0) all_.push_back(id);
        }
    }
    ~hogs() {
        for (const pid_t id : all_) {
            ::kill(id, SIGKILL);
            ::waitpid(id, nullptr, 0);
        }
    }
    hogs(const hogs&) = delete;
    hogs& operator=(const hogs&) = delete;

private:
    [[noreturn]] static void compute(pid_t parent) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != parent) ::_exit(0);
        for (volatile unsigned n = 0;;)
            n = n + 1;
    }

    std::vector<pid_t> all_;
};

}  // namespace bench
