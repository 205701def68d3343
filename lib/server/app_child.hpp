// SPDX-License-Identifier: MIT
/// The processes of the app: a child, and perhaps the app behind a launcher that forks; or one that
/// somebody else has started.
#pragma once

#include "process/foreign_process.hpp"

#include <remora/event.hpp>
#include <remora/process.hpp>

#include <optional>

namespace remora::detail {

/// What a life of the app is about. Belongs to the server's strand.
class app_processes {
public:
    app_processes() = default;
    virtual ~app_processes() = default;
    app_processes(const app_processes&) = delete;
    app_processes& operator=(const app_processes&) = delete;

    /// 0 as long as it is not known.
    virtual int pid() const = 0;
    /// That of the app, also behind a launcher; of the launcher until the app has said hello.
    virtual int pid_of_app() const = 0;
    /// Process `pid` has said hello.
    virtual void said_hello(int pid) = 0;
    /// The conversation on the control pipe is over.
    virtual void conversation_ended() = 0;
    /// Sends a signal to all that has to be stopped.
    virtual void signal(int number) = 0;
    /// Kills what nobody would be left to wait for.
    virtual void abandon() noexcept = 0;
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

/// The child that was started, and the process that has said hello, if that is another one.
class app_child final : public app_processes {
public:
    /// Starts it. `emit` must live as long as this object.
    app_child(const asio::any_io_executor& strand, const spawn_options& how,
              const event_hook& emit);

    int pid() const override { return process_.pid(); }
    int pid_of_app() const override { return forked_app_ ? forked_app_->pid() : pid(); }
    void said_hello(int pid) override;
    void conversation_ended() override { process_.try_reap(); }
    void signal(int number) override;
    void abandon() noexcept override;
    asio::awaitable<exit_status> wait() override { return process_.wait(); }
    asio::awaitable<void> wait_forked_app(bool kill) override;
    bool is_let_go() const noexcept override { return false; }
    bool is_dead() const noexcept override { return !forked_app_; }

private:
    template <class Process>
    void send_to(Process& process, int number);

    asio::any_io_executor strand_;
    const event_hook& emit_;
    bool in_own_group_;
    child process_;
    std::optional<foreign_process> forked_app_;
};

}  // namespace remora::detail
