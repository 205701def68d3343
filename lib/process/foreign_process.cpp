// SPDX-License-Identifier: MIT
#include "process/foreign_process.hpp"

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>

#include <remora/error.hpp>

#include "base/unique_fd.hpp"
#include "process/child.hpp"
#include "process/proc_file.hpp"

namespace remora::detail {

namespace {

// 0 if there is none. After the program's name come the state and the parent.
pid_t parent_of(pid_t pid) {
    const auto text = read_proc_file(pid, "stat");
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

struct close_entries {
    void operator()(DIR* entries) const { ::closedir(entries); }
};

// See proc(5). This takes the right to look into the process.
bool has_open(pid_t pid, const struct stat& file) {
    const std::string path = "/proc/" + std::to_string(pid) + "/fd";
    const std::unique_ptr<DIR, close_entries> entries(::opendir(path.c_str()));
    while (const dirent* const entry = entries ? ::readdir(entries.get()) : nullptr) {
        struct stat found{};
        if (::fstatat(::dirfd(entries.get()), entry->d_name, &found, 0) == 0 &&
            found.st_dev == file.st_dev && found.st_ino == file.st_ino)
            return true;
    }
    return false;
}

// What PIDFD_GET_INFO of <linux/pidfd.h> fills in, which older headers do not have.
struct pidfd_info {
    std::uint64_t mask;
    std::uint64_t cgroup;
    std::array<std::uint32_t, 11> ids;
    std::int32_t exit_code;
};
static_assert(sizeof(pidfd_info) == 64);
constexpr std::uint64_t info_of_exit = 1u << 3;

enum class info { here, later, never };

info read_exit(int pidfd, int& word) {
    pidfd_info told{};
    told.mask = info_of_exit;
    if (::ioctl(pidfd, _IOWR(0xFF, 11, pidfd_info), &told) != 0) return info::never;
    word = told.exit_code;
    return (told.mask & info_of_exit) != 0 ? info::here : info::later;
}

}  // namespace

template <class IsIt>
std::optional<foreign_process> foreign_process::find_if(const asio::any_io_executor& executor,
                                                        pid_t pid, IsIt is_it) {
    // Opened first: what is then found out is about this process, or it has ended.
    unique_fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (!pidfd || !is_it()) return {};
    foreign_process found(executor, pid, pidfd.get());
    pidfd.release();
    return found;
}

std::optional<foreign_process> foreign_process::find_descendant(
    const asio::any_io_executor& executor, pid_t pid, pid_t ancestor) {
    return find_if(executor, pid, [&] { return is_below(pid, ancestor); });
}

std::optional<foreign_process> foreign_process::find_holder(const asio::any_io_executor& executor,
                                                            pid_t pid, const struct stat& file) {
    return find_if(executor, pid, [&] { return has_open(pid, file); });
}

bool foreign_process::has_ended() const noexcept {
    pollfd end{.fd = pidfd_.native_handle(), .events = POLLIN, .revents = 0};
    return ::poll(&end, 1, 0) > 0;
}

void foreign_process::signal(int number) {
    const int fd = pidfd_.native_handle();
    if (::syscall(SYS_pidfd_send_signal, fd, number, nullptr, 0) == 0 || errno == ESRCH) return;
    // Refused, as by a filter of system calls. Before it has ended nobody else gets its number.
    if (has_ended()) return;
    if (::kill(pid_, number) < 0 && errno != ESRCH)
        throw_system_error(
            errno, "signal " + std::to_string(number) + " to process " + std::to_string(pid_));
}

asio::awaitable<void> foreign_process::wait() {
    std::error_code ignored;
    co_await pidfd_.async_wait(asio::posix::stream_descriptor::wait_read,
                               asio::redirect_error(asio::use_awaitable, ignored));
}

void foreign_process::cancel() {
    std::error_code ignored;
    pidfd_.cancel(ignored);
}

// A debugger may take its time to reap it.
asio::awaitable<exit_status> foreign_process::status() {
    asio::steady_timer pause(pidfd_.get_executor());
    int word = 0;
    for (int tries = 0; tries < 50; ++tries) {
        const info told = read_exit(pidfd_.native_handle(), word);
        if (told == info::here) co_return exit_status_of(word);
        if (told == info::never) break;
        pause.expires_after(std::chrono::milliseconds(10));
        co_await pause.async_wait(asio::use_awaitable);
    }
    co_return exit_status{};
}

}  // namespace remora::detail
