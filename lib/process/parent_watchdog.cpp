// SPDX-License-Identifier: MIT
#include "process/parent_watchdog.hpp"

#include <remora/error.hpp>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>

namespace remora::detail {

namespace {
// The exit code of an app without its server: EX_UNAVAILABLE of sysexits.h.
constexpr int server_gone_code = 69;

void notify(int event_fd) {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(event_fd, &one, sizeof one);
}
}  // namespace

parent_watchdog::parent_watchdog(int control_fd, std::chrono::nanoseconds limit)
    : control_(::fcntl(control_fd, F_DUPFD_CLOEXEC, 3)),
      changed_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      limit_(limit) {
    if (!control_ || !changed_) throw_system_error(errno, "watching for the server's end");
    // The app's signals are for the app's threads.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { work(); });
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

parent_watchdog::~parent_watchdog() {
    ended_ = true;
    notify(changed_.get());
    thread_.join();
    const unique_fd closed(server_.exchange(-1));
}

void parent_watchdog::watch(int pidfd) {
    const unique_fd old(server_.exchange(::fcntl(pidfd, F_DUPFD_CLOEXEC, 3)));
    notify(changed_.get());
}

void parent_watchdog::work() {
    if (!wait_for_death()) return;
    using clock = std::chrono::steady_clock;
    const auto end = clock::now() + std::min<clock::duration>(limit_, std::chrono::hours(24));
    while (!ended_ && clock::now() < end) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - clock::now());
        poll(static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
    }
    if (!ended_) ::_exit(server_gone_code);
}

// Waits until something has changed, and takes note.
void parent_watchdog::poll(int milliseconds) {
    pollfd changed{changed_.get(), POLLIN, 0};
    ::poll(&changed, 1, milliseconds);
    std::uint64_t count;
    [[maybe_unused]] const ssize_t got = ::read(changed_.get(), &count, sizeof count);
}

// False if the app has ended first.
bool parent_watchdog::wait_for_death() {
    for (;;) {
        // Without events asked for, the control pipe reports only that its other end is gone.
        pollfd fds[] = {{changed_.get(), POLLIN, 0}, {control_.get(), 0, 0}, {server_, POLLIN, 0}};
        ::poll(fds, 3, -1);
        if (ended_) return false;
        if (fds[1].revents != 0 || fds[2].revents != 0) return true;
        poll(0);
    }
}

}  // namespace remora::detail
