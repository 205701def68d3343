// SPDX-License-Identifier: MIT
/// An app that the server has started: its child, and perhaps the app behind a launcher that forks.
#pragma once

#include "process/foreign_process.hpp"
#include "server/app_handle.hpp"

#include <remora/event.hpp>
#include <remora/process.hpp>

#include <optional>

namespace remora::detail {

/// The child that was started, and the process that has said hello, if that is another one.
class app_child final : public app_handle {
public:
    /// Starts it. `emit` must live as long as this object.
    app_child(const asio::any_io_executor& strand, const spawn_options& how,
              const event_hook& emit);

    int pid() const override { return process_.pid(); }
    int pid_of_app() const override { return forked_app_ ? forked_app_->pid() : pid(); }
    void said_hello(int pid) override;
    void control_pipe_ended() override { process_.try_reap(); }
    void signal(int number) override;
    void kill_forked_app() noexcept override;
    asio::awaitable<exit_status> wait() override { return process_.wait(); }
    asio::awaitable<void> wait_forked_app(bool kill) override;
    bool is_let_go() const noexcept override { return false; }
    bool is_dead() const noexcept override {
        return forked_app_ ? forked_app_->has_ended() : !app_is_lost_;
    }

private:
    template <class Process>
    void send_to(Process& process, int number);

    asio::any_io_executor strand_;
    const event_hook& emit_;
    bool in_own_group_;
    child process_;
    std::optional<foreign_process> forked_app_;
    bool app_is_lost_ = false;  ///< another process has said hello, and cannot be followed
};

}  // namespace remora::detail
