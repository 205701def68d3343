// SPDX-License-Identifier: MIT
#include "server/control_session.hpp"

#include "server/app_session.hpp"

#include <unistd.h>

namespace remora::detail {

control_session::control_session(app_session& app, server_core& server,
                                 transport_factory& transports)
    : app_(app),
      server_(server),
      transports_(transports),
      pipe_(std::make_shared<pipe_state>(
          server.strand,
          make_fifo_transport(server.strand, transports.make_fifos(wire::control_name)),
          wire::control_name, control_limits, errc::app_gone, wait_policy::block,
          frame_kinds::control)) {
    pipe_->set_trace(app.trace_of(wire::control_name));
}

asio::awaitable<void> control_session::run() {
    try {
        if (!co_await handshake()) co_return;
        // So that an accept() which the host has posted already is listening.
        co_await pipe_->yield();
        while (const frame* f = co_await await_frame(pipe_, deadline::max())) {
            handle(*f);
            pipe_->pop_frame();
            co_await pipe_->yield();  // connections open one by one
            if (pipe_->queue_is_full()) co_await pipe_->wait_queue_room();
        }
        app_.emit({.kind = event_kind::goodbye, .pid = app_.pid()});
    } catch (const error& e) {
        on_control_error(e);
    } catch (const std::exception& e) {
        on_control_error(error(errc::protocol_error, std::string("control pipe: ") + e.what()));
    }
    if (!app_.has_ended()) app_.process().control_pipe_ended();
}

// False if the app was refused.
asio::awaitable<bool> control_session::handshake() {
    const frame* const f = co_await await_hello();
    heard_ = true;
    const wire::hello words = parse_hello(*f);
    if (!app_.has_ended()) app_.said_hello(words.pid);
    auto reply = answer_hello(words, server_.options.limits.message, ::getpid());
    pipe_->pop_frame();
    pipe_->on_peer_opened();
    transports_.unlink(wire::control_name);
    if (const auto* why = std::get_if<close_reason>(&reply)) {
        refuse(*why);
        co_return false;
    }
    auto& terms = std::get<wire::welcome>(reply);
    terms.service_version = server_.options.version;
    show_arena(terms);
    send_welcome(terms, words.pid);
    co_return true;
}

asio::awaitable<const frame*> control_session::await_hello() {
    const auto timeout =
        app_.has_start_timeout() ? server_.options.start_timeout : std::chrono::nanoseconds::max();
    const deadline until = deadline_of(timeout);
    const frame* f = nullptr;
    try {
        f = co_await await_frame(pipe_, until);
    } catch (const error& e) {
        if (e.code() != errc::timed_out) throw;
        throw_error(errc::start_timeout, "waiting for the app's hello");
    }
    if (f == nullptr) throw_error(errc::protocol_error, "the app left without a hello");
    co_return f;
}

void control_session::refuse(const close_reason& why) {
    app_.note_fault(error(why.to_code(), why.text));
    send_frame(*pipe_, frame_kind::refused, 0, 0, why);
    app_.stop_later();
}

void control_session::show_arena(wire::welcome& terms) const {
    if ((terms.features & wire::shared_memory) == 0) return;
    if (!transports_.arena()) {
        terms.features &= ~wire::shared_memory;
        return;
    }
    const arena_address address = transports_.arena()->address(arena_fd);
    terms.arena_fd = address.fd;
    terms.arena_server_fd = address.server_fd;
    terms.arena_device = address.device;
    terms.arena_inode = address.inode;
}

void control_session::send_welcome(const wire::welcome& terms, int pid) {
    welcomed_ = true;
    app_.connections().set_terms(terms);
    send_frame(*pipe_, frame_kind::welcome, 0, 0, terms);
    app_.emit({.kind = event_kind::hello, .pid = pid});
}

void control_session::handle(const frame& f) {
    switch (f.header.kind) {
        case frame_kind::connect:
            app_.connections().connect(f.header.id, payload_of<wire::connect_request>(f));
            break;
        case frame_kind::withdraw:
            app_.connections().withdraw(f.header.id);
            break;
        case frame_kind::list: {
            const auto asked = payload_of<wire::list_request>(f);
            send_frame(*pipe_, frame_kind::listed, f.header.id, 0,
                       server_.names_after(asked.after));
            break;
        }
        case frame_kind::hello:
            throw_error(errc::protocol_error, "a second hello");
        default:
            throw_error(errc::protocol_error, "an unexpected frame on the control pipe");
    }
}

void control_session::on_control_error(const error& why) {
    if (why.code() == errc::closed) return;
    if (why.code() == errc::app_gone) {
        app_.connections().fail_pipes(errc::app_gone);
        return;
    }
    app_.note_fault(why);
    pipe_->close(why.code(), why.context());
    app_.connections().fail_pipes(errc::protocol_error);
    app_.stop(stop_step::sigterm, server_.options.stop_timeout);
}

}  // namespace remora::detail
