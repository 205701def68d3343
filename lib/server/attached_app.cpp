// SPDX-License-Identifier: MIT
#include "server/attached_app.hpp"

#include <remora/error.hpp>

#include <signal.h>
#include <unistd.h>

#include <cerrno>

namespace remora::detail {

attached_app::attached_app(const asio::any_io_executor& strand, const std::string& control,
                           const event_hook& emit)
    : strand_(strand), emit_(emit) {
    if (::stat(control.c_str(), &control_) != 0)
        throw_system_error(errno, "look at the FIFO \"" + control + "\"");
}

void attached_app::said_hello(int pid) {
    has_come_ = true;
    // This process has it open as well.
    if (pid != ::getpid()) process_ = foreign_process::find_holder(strand_, pid, control_);
    change_.notify_all();
}

void attached_app::control_pipe_ended() {
    if (process_) return;
    has_left_ = true;
    change_.notify_all();
}

void attached_app::signal(int number) {
    if (number == SIGKILL || !has_come_) return let_go();
    if (!process_) return;
    try {
        process_->signal(number);
    } catch (const error& e) {
        emit_({.kind = event_kind::stopping, .pid = pid(), .code = e.code(), .text = e.context()});
    }
}

void attached_app::let_go() {
    let_go_ = true;
    if (process_) process_->cancel();
    change_.notify_all();
}

asio::awaitable<exit_status> attached_app::wait() {
    while (!process_ && !has_left_ && !let_go_)
        co_await change_.wait();
    if (process_ && !let_go_) co_await process_->wait();
    if (process_ && !let_go_) co_return co_await process_->status();
    co_return exit_status{};
}

}  // namespace remora::detail
