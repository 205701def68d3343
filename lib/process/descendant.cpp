// SPDX-License-Identifier: MIT
#include "process/descendant.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include <remora/error.hpp>

#include "base/unique_fd.hpp"

namespace remora::detail {

namespace {

// 0 if there is none. See proc(5): behind the program's name come the state and the parent.
pid_t parent_of(pid_t pid) {
    const unique_fd file(
        ::open(("/proc/" + std::to_string(pid) + "/stat").c_str(), O_RDONLY | O_CLOEXEC));
    std::array<char, 512> text{};
    if (!file || ::read(file.get(), text.data(), text.size() - 1) <= 0) return 0;
    const char* const end_of_name = std::strrchr(text.data(), ')');
    int parent = 0;
    const bool found = end_of_name && std::sscanf(end_of_name, ") %*c %d", &parent) == 1;
    return found ? parent : 0;
}

bool is_below(pid_t pid, pid_t ancestor) {
    constexpr int deepest = 100;
    for (int depth = 0; depth < deepest && pid > 1; ++depth) {
        pid = parent_of(pid);
        if (pid == ancestor) return true;
    }
    return false;
}

}  // namespace

std::optional<descendant> descendant::find(const asio::any_io_executor& executor, pid_t pid,
                                           pid_t ancestor) {
    // Opened first: what is then found out is about this process, or it has ended.
    unique_fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (!pidfd || !is_below(pid, ancestor)) return {};
    descendant found(executor, pid, pidfd.get());
    pidfd.release();
    return found;
}

void descendant::signal(int number) {
    const int fd = pidfd_.native_handle();
    if (::syscall(SYS_pidfd_send_signal, fd, number, nullptr, 0) == 0 || errno == ESRCH) return;
    // Refused, as by a filter of system calls. Before it has ended nobody else gets its number.
    pollfd end{.fd = fd, .events = POLLIN, .revents = 0};
    if (::poll(&end, 1, 0) > 0) return;
    if (::kill(pid_, number) < 0 && errno != ESRCH)
        raise_system(errno,
                     "signal " + std::to_string(number) + " to process " + std::to_string(pid_));
}

asio::awaitable<void> descendant::wait() {
    return pidfd_.async_wait(asio::posix::stream_descriptor::wait_read, asio::use_awaitable);
}

}  // namespace remora::detail
