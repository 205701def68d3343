// SPDX-License-Identifier: MIT
// What a run and its app say to each other on the control pipe.
#include "server/run_connection.hpp"
#include "server/run_core.hpp"

#include <unistd.h>

namespace remora::detail {

asio::awaitable<void> run_core::talk(std::shared_ptr<run_core> self) {
    try {
        if (!co_await handshake(self)) co_return;
        // So that an accept() which the host has posted already is listening.
        co_await self->control_->yield();
        while (const frame* f = co_await await_frame(self->control_, deadline::max())) {
            self->handle(*f);
            self->control_->pop_frame();
            co_await self->control_->yield();  // connections open one by one
            if (self->control_->queue_is_full()) co_await self->control_->wait_queue_room();
        }
        self->emit({.kind = event_kind::goodbye, .pid = self->pid_});
    } catch (const error& e) {
        self->on_control_error(e);
    } catch (const std::exception& e) {
        self->on_control_error(
            error(errc::protocol_error, std::string("control pipe: ") + e.what()));
    }
    if (!self->ended_) self->app_->poke();
}

// False if the app was refused.
asio::awaitable<bool> run_core::handshake(std::shared_ptr<run_core> self) {
    const auto timeout =
        self->launched_ ? std::chrono::nanoseconds::max() : self->server_->options.start_timeout;
    const deadline until = deadline_of(timeout);
    const frame* f = nullptr;
    try {
        f = co_await await_frame(self->control_, until);
    } catch (const error& e) {
        if (e.code() != errc::timed_out) throw;
        raise(errc::start_timeout, "waiting for the app's hello");
    }
    if (f == nullptr) raise(errc::protocol_error, "the app left without a hello");
    const wire::hello words = parse_hello(*f);
    if (words.pid != self->pid_)
        self->behind_ = descendant::find(self->strand(), words.pid, self->pid_);
    auto reply = answer(words, self->limits_.message, ::getpid());
    self->control_->pop_frame();
    self->control_->opened();
    self->unlink_names(wire::control_name);
    if (const auto* why = std::get_if<close_reason>(&reply)) {
        self->refuse(*why);
        co_return false;
    }
    auto& terms = std::get<wire::welcome>(reply);
    terms.served = self->server_->options.version;
    self->show_arena(terms);
    self->send_welcome(terms, words.pid);
    co_return true;
}

// The app may end by itself, for as long as a step of stopping it takes.
void run_core::refuse(const close_reason& why) {
    note_fault(error(why.to_code(), why.text));
    post(*control_, frame_kind::refused, 0, 0, why);
    if (stopping_.started()) return;
    stop_timer_.expires_after(server_->options.stop_timeout);
    stop_timer_.async_wait([self = shared_from_this()](std::error_code ec) {
        if (!ec) self->stop(stop_step::sigterm, self->server_->options.stop_timeout);
    });
}

void run_core::show_arena(wire::welcome& terms) const {
    if ((terms.features & wire::shared_memory) == 0) return;
    if (!arena_) {
        terms.features &= ~wire::shared_memory;
        return;
    }
    const arena_address address = arena_->address(arena_fd);
    terms.arena_fd = address.fd;
    terms.arena_server_fd = address.server_fd;
    terms.arena_device = address.device;
    terms.arena_inode = address.inode;
}

void run_core::send_welcome(const wire::welcome& terms, int app) {
    welcomed_ = true;
    limits_.message = terms.max_message;
    features_ = terms.features;
    post(*control_, frame_kind::welcome, 0, 0, terms);
    emit({.kind = event_kind::hello, .pid = app});
}

void run_core::handle(const frame& f) {
    switch (f.header.kind) {
        case frame_kind::connect:
            connect(f.header.id, payload_of<wire::connect_request>(f));
            break;
        case frame_kind::withdraw:
            withdraw(f.header.id);
            break;
        case frame_kind::list: {
            const auto asked = payload_of<wire::list_request>(f);
            post(*control_, frame_kind::listed, f.header.id, 0, server_->names_after(asked.after));
            break;
        }
        case frame_kind::hello:
            raise(errc::protocol_error, "a second hello");
        default:
            raise(errc::protocol_error, "an unexpected frame on the control pipe");
    }
}

void run_core::note_fault(const error& why) {
    result_.error = why.code();
    result_.text = why.what();
    emit({.kind = event_kind::refused, .pid = pid_, .code = why.code(), .text = why.context()});
}

// The end of the conversation, otherwise than by a clean close.
void run_core::on_control_error(const error& why) {
    if (why.code() == errc::closed) return;
    if (why.code() == errc::app_gone) {
        fail_pipes(errc::app_gone);
        return;
    }
    note_fault(why);
    control_->close(why.code(), why.context());
    fail_pipes(errc::protocol_error);
    stop(stop_step::sigterm, server_->options.stop_timeout);
}

}  // namespace remora::detail
