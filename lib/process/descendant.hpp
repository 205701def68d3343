// SPDX-License-Identifier: MIT
/// A process that a child of this one has started, as an app behind a launcher that forks.
#pragma once

#include <sys/types.h>

#include <optional>

#include <remora/asio.hpp>

namespace remora::detail {

class descendant {
public:
    /// None if `pid` is not below `ancestor`, or the kernel has no pidfds: another process might
    /// get its number. Throws what Asio says.
    static std::optional<descendant> find(const asio::any_io_executor& executor, pid_t pid,
                                          pid_t ancestor);

    pid_t pid() const noexcept { return pid_; }

    /// Sends a signal, unless it has ended. Throws `error` if that is not permitted.
    void signal(int number);

    /// Completes when it has ended.
    asio::awaitable<void> wait();

private:
    descendant(const asio::any_io_executor& executor, pid_t pid, int pidfd)
        : pid_(pid), pidfd_(executor, pidfd) {}

    pid_t pid_;
    asio::posix::stream_descriptor pidfd_;
};

}  // namespace remora::detail
