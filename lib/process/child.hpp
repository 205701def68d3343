// SPDX-License-Identifier: MIT
/// The state of a child process, and the watcher that notices its end.
#pragma once

#include "base/unique_fd.hpp"

#include <remora/detail/base/wait_queue.hpp>
#include <remora/process.hpp>

#include <memory>
#include <optional>
#include <utility>

namespace remora {

namespace detail {
/// What waitpid(2) says in a word.
exit_status exit_status_of(int wait_status);
}  // namespace detail

/// The child itself. It holds no Asio object, so that it may outlive the context.
struct child::state {
    pid_t pid = -1;
    bool leads_group = false;
    detail::unique_fd pidfd;
    std::optional<exit_status> status;
    detail::wait_queue waiters;
    std::weak_ptr<watcher> watch;

    ~state() { kill_and_reap(); }
    void reap(int flags);
    void finish(exit_status result);
    void kill_and_reap();
    bool send(int number);
    long send_directly(int number) const;
    static asio::awaitable<exit_status> wait(std::shared_ptr<state> self);
};

/// What tells that the child has ended. Only its pending handlers own it: it dies with the context.
struct child::watcher : std::enable_shared_from_this<watcher> {
    watcher(const asio::any_io_executor& executor, std::weak_ptr<state> child)
        : owner(std::move(child)), sigchld(executor), pidfd(executor), timer(executor) {}

    void prepare(const detail::unique_fd& fd);
    void catch_sigchld();
    void start();
    void stop();
    bool try_reap();
    void await_signal();
    void await_pidfd();
    void poll_child();

    std::weak_ptr<state> owner;
    asio::signal_set sigchld;
    asio::posix::stream_descriptor pidfd;
    asio::steady_timer timer;
    bool catches_sigchld = false;
};

}  // namespace remora
