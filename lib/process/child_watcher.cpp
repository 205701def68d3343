// SPDX-License-Identifier: MIT
#include "process/child.hpp"

#include <fcntl.h>
#include <signal.h>

namespace remora {

using detail::unique_fd;
using namespace std::chrono_literals;

namespace {

// A handler that is there, the host's or that of another signal_set, stays; unless the kernel reaps
// the children by itself, so that every status would be lost.
bool may_catch_sigchld() {
    struct sigaction action{};
    ::sigaction(SIGCHLD, nullptr, &action);
    if ((action.sa_flags & SA_NOCLDWAIT) != 0) return true;
    const bool simple = (action.sa_flags & SA_SIGINFO) == 0;
    return simple && (action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN);
}

}  // namespace

// Before start(): nothing waits yet, so that it may be called from outside the executor.
void child::watcher::prepare(const unique_fd& fd) {
    unique_fd copy(fd ? ::fcntl(fd.get(), F_DUPFD_CLOEXEC, 3) : -1);
    if (!copy) return;
    pidfd.assign(copy.get());
    copy.release();
}

// A signal that comes before the first wait is kept for it.
void child::watcher::catch_sigchld() {
    if (!may_catch_sigchld()) return;
    sigchld.add(SIGCHLD);
    catches_sigchld = true;
}

// On the executor. The child may have ended, or have been destroyed, since prepare().
void child::watcher::start() {
    if (try_reap()) return;
    if (catches_sigchld) await_signal();
    if (pidfd.is_open())
        await_pidfd();
    else
        poll_child();
}

void child::watcher::stop() {
    sigchld.cancel();
    sigchld.clear();
    timer.cancel();
    if (pidfd.is_open()) pidfd.close();
}

bool child::watcher::try_reap() {
    const auto child = owner.lock();
    if (child) child->reap(WNOHANG);
    return !child || child->status;
}

void child::watcher::await_signal() {
    sigchld.async_wait([self = shared_from_this()](const std::error_code& ec, int) {
        if (!ec && !self->try_reap()) self->await_signal();
    });
}

void child::watcher::await_pidfd() {
    const auto readable = asio::posix::stream_descriptor::wait_read;
    pidfd.async_wait(readable, [self = shared_from_this()](const std::error_code& ec) {
        if (!ec && !self->try_reap()) self->poll_child();
    });
}

// Where nothing tells of the moment: without a pidfd, since SIGCHLD may be the host's or blocked;
// and after its end, as long as a debugger has not taken note and it cannot be reaped.
void child::watcher::poll_child() {
    timer.expires_after(20ms);
    timer.async_wait([self = shared_from_this()](const std::error_code& ec) {
        if (!ec && !self->try_reap()) self->poll_child();
    });
}

}  // namespace remora
