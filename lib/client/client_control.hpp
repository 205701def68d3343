// SPDX-License-Identifier: MIT
/// The app's end of the control pipe.
#pragma once

#include "pipe/control_pipe.hpp"
#include "transport/fifo.hpp"

#include <remora/detail/base/wait_queue.hpp>

#include <memory>

namespace remora::detail {

class client_session;

/// The app's end of the control pipe: the handshake, and what the server answers and asks. A part
/// of the client_session, which it refers to. Belongs to its strand.
class client_control {
public:
    explicit client_control(client_session& session) : session_(session) {}

    /// Null before say_hello().
    const std::shared_ptr<pipe_state>& pipe() const noexcept { return pipe_; }
    /// The descriptor that the app reads; -1 before say_hello().
    int fd() const noexcept { return fd_; }
    /// Whether the server has asked the app to end.
    bool is_stopping() const noexcept { return stopping_; }

    /// Begins the handshake.
    void say_hello(fifo_ends ends);
    /// All of it, from hello to the end. The client_session is kept by whoever spawns it.
    asio::awaitable<void> run();
    /// Completes when the app is welcome. Throws why it is not.
    asio::awaitable<void> await_welcome(deadline until);
    /// Those who wait for the welcome look for a failure.
    void wake() { awaiting_welcome_.notify_all(); }

private:
    void handle(const frame& f);
    void welcomed(const wire::welcome& terms);
    void asked_to_end();

    client_session& session_;
    std::shared_ptr<pipe_state> pipe_;
    int fd_ = -1;
    bool welcomed_ = false;
    bool stopping_ = false;
    wait_queue awaiting_welcome_;
};

}  // namespace remora::detail
