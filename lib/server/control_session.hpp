// SPDX-License-Identifier: MIT
/// The server's end of the control pipe.
#pragma once

#include "pipe/control_pipe.hpp"

#include <memory>

namespace remora::detail {

class app_session;
class server_core;
class transport_factory;

/// The server's end of the control pipe: the handshake, the app's requests, and what is at fault
/// with them. A part of the app_session, which it refers to. Belongs to the server's strand.
class control_session {
public:
    /// The number of the arena's descriptor in the app.
    static constexpr int arena_fd = 3;

    /// Makes the control pipe.
    control_session(app_session& app, server_core& server, transport_factory& transports);

    pipe_state& pipe() const noexcept { return *pipe_; }
    bool is_welcomed() const noexcept { return welcomed_; }
    /// The app has said something, which perhaps was not read yet.
    bool has_heard() noexcept { return heard_ || pipe_->has_news(); }

    /// All of it, from hello to the end. The app_session is kept by whoever spawns it.
    asio::awaitable<void> run();
    /// The control pipe has ended, otherwise than by a clean close.
    void on_control_error(const error& why);

private:
    asio::awaitable<bool> handshake();
    asio::awaitable<const frame*> await_hello();
    void refuse(const close_reason& why);
    void show_arena(wire::welcome& terms) const;
    void send_welcome(const wire::welcome& terms, int pid);
    void handle(const frame& f);

    app_session& app_;
    server_core& server_;
    transport_factory& transports_;
    std::shared_ptr<pipe_state> pipe_;
    bool heard_ = false;
    bool welcomed_ = false;
};

}  // namespace remora::detail
