// SPDX-License-Identifier: MIT
/// An app that somebody else starts.
#pragma once

#include "process/foreign_process.hpp"
#include "server/app_handle.hpp"

#include <remora/detail/base/wait_queue.hpp>
#include <remora/event.hpp>

#include <sys/stat.h>

#include <optional>
#include <string>

namespace remora::detail {

/// The process that says hello. It is signalled only if the kernel says that it has the control
/// pipe open: its own word for its number may be that of another process, as from within a
/// container. It is never killed: where one of the server's own would be, it is let go.
///
/// An app of which that is not known has ended when the control pipe has.
class attached_app final : public app_handle {
public:
    /// `control` is the path of a FIFO of the control pipe. `emit` must live as long as this
    /// object.
    attached_app(const asio::any_io_executor& strand, const std::string& control,
                 const event_hook& emit);

    int pid() const override { return process_ ? process_->pid() : 0; }
    int pid_of_app() const override { return pid(); }
    void said_hello(int pid) override;
    void control_pipe_ended() override;
    void signal(int number) override;
    void kill_forked_app() noexcept override {}
    asio::awaitable<exit_status> wait() override;
    asio::awaitable<void> wait_forked_app(bool) override { co_return; }
    bool is_let_go() const noexcept override { return let_go_; }
    bool is_dead() const noexcept override { return process_ && !let_go_; }

private:
    void let_go();

    asio::any_io_executor strand_;
    const event_hook& emit_;
    struct stat control_{};
    bool has_come_ = false;
    bool has_left_ = false;
    bool let_go_ = false;
    std::optional<foreign_process> process_;
    wait_queue change_;
};

}  // namespace remora::detail
