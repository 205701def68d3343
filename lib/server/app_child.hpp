// SPDX-License-Identifier: MIT
/// The processes of the app: the child, and the app behind a launcher that forks.
#pragma once

#include "process/descendant.hpp"

#include <remora/event.hpp>
#include <remora/process.hpp>

#include <optional>

namespace remora::detail {

/// The child that was started, and the process that has said hello, if that is another one: an app
/// behind a launcher that forks. Belongs to the server's strand.
class app_child {
public:
    /// Starts it. `emit` must live as long as this object.
    app_child(const asio::any_io_executor& strand, const spawn_options& how,
              const event_hook& emit);

    int pid() const { return process_.pid(); }
    /// That of the app, also behind a launcher; of the launcher until the app has said hello.
    int pid_of_app() const { return forked_app_ ? forked_app_->pid() : pid(); }
    /// Whether it was started through a launcher.
    bool has_launcher() const noexcept { return has_launcher_; }
    bool has_forked_app() const noexcept { return forked_app_.has_value(); }

    /// Process `pid` has said hello.
    void said_hello(int pid);
    /// Sends a signal to all that has to be stopped.
    void signal(int number);
    /// Kills the app behind a launcher, when nobody is left to wait for it.
    void kill_forked_app() noexcept;
    /// Looks whether the child has ended.
    void try_reap() { process_.try_reap(); }
    /// Completes when the child has ended.
    asio::awaitable<exit_status> wait() { return process_.wait(); }
    /// Completes when the app behind the launcher has ended.
    asio::awaitable<void> wait_forked_app(bool kill);

private:
    template <class Process>
    void send_to(Process& process, int number);

    asio::any_io_executor strand_;
    const event_hook& emit_;
    bool has_launcher_;
    bool in_own_group_;
    child process_;
    std::optional<descendant> forked_app_;
};

}  // namespace remora::detail
