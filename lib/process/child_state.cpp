// SPDX-License-Identifier: MIT
#include "process/child.hpp"

#include <remora/error.hpp>

#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace remora {

using detail::unique_fd;

namespace {

long send_by(const unique_fd& pidfd, int number) {
    return ::syscall(SYS_pidfd_send_signal, pidfd.get(), number, nullptr, 0);
}

}  // namespace

exit_status detail::exit_status_of(int wait_status) {
    if (WIFSIGNALED(wait_status)) return {exit_kind::signalled, WTERMSIG(wait_status)};
    return {exit_kind::exited, WEXITSTATUS(wait_status)};
}

void child::state::reap(int flags) {
    if (status || pid < 0) return;
    int wait_status = 0;
    pid_t result = 0;
    do {
        result = ::waitpid(pid, &wait_status, flags);
    } while (result < 0 && errno == EINTR);
    if (result == pid)
        finish(detail::exit_status_of(wait_status));
    else if (result < 0)
        finish({exit_kind::unknown, 0});
}

void child::state::finish(exit_status result) {
    status = result;
    waiters.notify_all();
    if (auto watching = watch.lock()) watching->stop();
}

bool child::state::send(int number) {
    if (status || pid < 0) return false;
    // Somebody else may have reaped it.
    if (leads_group && pidfd && send_by(pidfd, 0) < 0 && errno == ESRCH) return false;
    // Before the child is reaped nobody else gets its number, neither as a process nor as a group.
    long result = leads_group ? ::kill(-pid, number) : -1;
    // It may have left its group.
    if (!leads_group || number == SIGKILL || ::getpgid(pid) != pid) result = send_directly(number);
    if (result < 0 && errno != ESRCH)
        detail::throw_system_error(
            errno, "signal " + std::to_string(number) + " to process " + std::to_string(pid));
    return result == 0;
}

// By its number where there is no pidfd, or it may not be used.
long child::state::send_directly(int number) const {
    if (!pidfd) return ::kill(pid, number);
    const long result = send_by(pidfd, number);
    return result < 0 && errno != ESRCH ? ::kill(pid, number) : result;
}

void child::state::kill_and_reap() {
    if (status || pid < 0) return;
    reap(WNOHANG);
    try {
        send(SIGKILL);
    } catch (const error&) {
        // Not permitted: it runs as another user. It cannot be ended, nor waited for.
        finish({exit_kind::unknown, 0});
    }
    reap(0);
}

// `finish` notifies who waits.
asio::awaitable<exit_status> child::state::wait(std::shared_ptr<state> self) {
    if (!self->status) co_await self->waiters.wait();
    if (!self->status) throw std::system_error(asio::error::operation_aborted);
    co_return *self->status;
}

}  // namespace remora
