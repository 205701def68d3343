// SPDX-License-Identifier: MIT
/// A process that this one has not started itself: an app behind a launcher that forks, or one that
/// a debugger has started.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <optional>

#include <remora/asio.hpp>
#include <remora/process.hpp>

namespace remora::detail {

class foreign_process {
public:
    /// None if `pid` is not below `ancestor`, or the kernel has no pidfds: another process might
    /// get its number. Throws what Asio says.
    static std::optional<foreign_process> find_descendant(const asio::any_io_executor& executor,
                                                          pid_t pid, pid_t ancestor);
    /// None if the kernel does not say that `pid` has this file open, or has no pidfds. Throws what
    /// Asio says.
    static std::optional<foreign_process> find_holder(const asio::any_io_executor& executor,
                                                      pid_t pid, const struct stat& file);

    pid_t pid() const noexcept { return pid_; }

    bool has_ended() const noexcept;

    /// Sends a signal, unless it has ended. Throws `error` if that is not permitted.
    void signal(int number);

    /// Completes when it has ended, or cancel() was called. Throws nothing.
    asio::awaitable<void> wait();
    void cancel();

    /// How it has ended, which Linux 6.15 and newer tell once its parent has reaped it. Completes
    /// when that has happened, or is not to be expected: then it is `unknown`.
    asio::awaitable<exit_status> status();

private:
    foreign_process(const asio::any_io_executor& executor, pid_t pid, int pidfd)
        : pid_(pid), pidfd_(executor, pidfd) {}

    template <class IsIt>
    static std::optional<foreign_process> find_if(const asio::any_io_executor& executor, pid_t pid,
                                                  IsIt is_it);

    pid_t pid_;
    mutable asio::posix::stream_descriptor pidfd_;  ///< Asio's native_handle() is not const
};

}  // namespace remora::detail
