// SPDX-License-Identifier: MIT
/// The app, as the server follows it: a child of the server, or a process that others have started.
#pragma once

#include <remora/asio.hpp>
#include <remora/process.hpp>

namespace remora::detail {

/// One life of the app, from the outside. Belongs to the server's strand.
class app_handle {
public:
    app_handle() = default;
    virtual ~app_handle() = default;
    app_handle(const app_handle&) = delete;
    app_handle& operator=(const app_handle&) = delete;

    /// Of the process that was started, perhaps a launcher; of an app that others start, that
    /// app's. 0 as long as it is not known.
    virtual int pid() const = 0;
    /// That of the app, also behind a launcher; of the launcher until the app has said hello.
    virtual int pid_of_app() const = 0;
    /// Process `pid` has said hello.
    virtual void said_hello(int pid) = 0;
    /// The control pipe has ended.
    virtual void control_pipe_ended() = 0;
    /// Sends a signal to all that has to be stopped.
    virtual void signal(int number) = 0;
    /// The server goes before the app: kills an app behind a launcher, which no destructor kills.
    virtual void kill_forked_app() noexcept = 0;
    /// Completes when the app has ended, or is let go.
    virtual asio::awaitable<exit_status> wait() = 0;
    /// Completes when what a launcher has left behind has ended, too.
    virtual asio::awaitable<void> wait_forked_app(bool kill) = 0;
    /// Whether it has not ended, as far as this process knows, but is not followed any more.
    virtual bool is_let_go() const noexcept = 0;
    /// Once wait() has completed: whether the app is known to have ended. Otherwise it may still
    /// use what it shares with the server.
    virtual bool is_dead() const noexcept = 0;
};

}  // namespace remora::detail
