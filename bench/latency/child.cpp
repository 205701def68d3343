// SPDX-License-Identifier: MIT
#include "child.hpp"

#include "process.hpp"

#include <poll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>

namespace bench {

namespace {

using clock = std::chrono::steady_clock;

std::string failure(int status, const captured& errors) {
    std::string text = WIFEXITED(status) ? "exit code " + std::to_string(WEXITSTATUS(status))
                                         : "killed by signal " + std::to_string(WTERMSIG(status));
    return errors.text().empty() ? text : text + ": " + errors.text();
}

/// Whether the process has ended in time. Keeps its pipes empty meanwhile.
bool wait_for(const process& running, clock::time_point deadline, captured& output,
              captured& errors, const end_requests& requests) {
    pollfd watched[] = {{running.ended(), POLLIN, 0},
                        {requests.fd(), POLLIN, 0},
                        {output.fd(), POLLIN, 0},
                        {errors.fd(), POLLIN, 0}};
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - clock::now());
        if (left.count() <= 0) return false;
        ::poll(watched, std::size(watched), static_cast<int>(left.count()));
        if (watched[1].revents != 0) throw interrupted{};
        if (!output.take()) watched[2].fd = -1;
        if (!errors.take()) watched[3].fd = -1;
        if (watched[0].revents != 0) return true;
    }
}

}  // namespace

end_requests::end_requests() {
    sigset_t signals;
    ::sigemptyset(&signals);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP})
        ::sigaddset(&signals, signal);
    ::sigprocmask(SIG_BLOCK, &signals, nullptr);
    fd_ = checked(::signalfd(-1, &signals, SFD_CLOEXEC), "signalfd");
}

end_requests::~end_requests() {
    ::close(fd_);
}

std::string output_of(const std::vector<std::string>& command, std::chrono::nanoseconds limit,
                      const end_requests& requests) {
    captured output, errors;
    process running{command, output, errors};
    const bool ended = wait_for(running, clock::now() + limit, output, errors, requests);
    const int status = running.finish();
    output.take();
    errors.take();
    if (!ended) throw child_failed{"killed, since it took too long: " + errors.text()};
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) throw child_unavailable{errors.text()};
    if (status != 0) throw child_failed{failure(status, errors)};
    return output.text();
}

}  // namespace bench
