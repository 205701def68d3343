// SPDX-License-Identifier: MIT
/// The daemon of iceoryx.
#pragma once

#include "peer.hpp"

#include <sys/mman.h>

namespace peer {

/// Starts the daemon, or ends the program as not available. The daemon ends with this object, and
/// then every process that it still knows: the runtime of this process has to end before it.
class roudi {
public:
    /// For messages of so many bytes: its own configuration has none above 4 MiB.
    explicit roudi(std::size_t largest) : starter_(::getpid()) {
        if (largest > std::size_t{4} << 20) configure(largest);
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) fail("no pipe");
        pid_ = ::fork();
        if (pid_ == 0) run(ends[1]);
        ::close(ends[1]);
        output_ = ends[0];
        wait_until_ready();
    }
    roudi(const roudi&) = delete;
    roudi& operator=(const roudi&) = delete;
    ~roudi() {
        if (::getpid() != starter_) return;  // a fork
        std::signal(SIGCHLD, SIG_IGN);  // reap at once: the daemon waits for those that it knows
        ::kill(pid_, SIGTERM);
        ::waitpid(pid_, nullptr, 0);
    }

private:
    // In memory, in a file without a name that the daemon inherits.
    void configure(std::size_t largest) {
        const auto pool = [](std::size_t size, int count) {
            return "[[segment.mempool]]\nsize = " + std::to_string(size) +
                   "\ncount = " + std::to_string(count) + "\n";
        };
        const auto text =
            "[general]\nversion = 1\n[[segment]]\n" + pool(128, 1000) + pool(largest, 10);
        const int file = ::memfd_create("roudi.toml", 0);
        if (::write(file, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
            fail("no configuration of the daemon");
        configuration_ = "/proc/self/fd/" + std::to_string(file);
    }
    [[noreturn]] void run(int output) const {
        // Where this process is killed, the daemon could not end properly: it aborts over processes
        // that are gone. What it leaves behind then is removed when it starts the next time.
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != starter_) std::_Exit(1);
        ::dup2(output, STDOUT_FILENO);
        ::dup2(output, STDERR_FILENO);
        const bool own = !configuration_.empty();
        ::execlp("iox-roudi", "iox-roudi", "--monitoring-mode", "off",
                 own ? "--config-file" : nullptr, configuration_.c_str(), nullptr);
        std::perror("iox-roudi");
        std::_Exit(1);
    }
    void wait_until_ready() const {
        std::string said;
        std::array<char, 512> some;
        while (said.find("ready for clients") == std::string::npos) {
            const auto n = ::read(output_, some.data(), some.size());
            if (n <= 0) {
                std::fprintf(stderr, "%siox-roudi does not start\n", said.c_str());
                std::_Exit(not_available);
            }
            said.append(some.data(), static_cast<std::size_t>(n));
        }
    }

    pid_t starter_;
    pid_t pid_;
    std::string configuration_;  // its own, if empty
    int output_;                 // stays open, since the daemon says more when it ends
};

}  // namespace peer
