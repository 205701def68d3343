// SPDX-License-Identifier: MIT
#include "client/client_control.hpp"

#include "base/exceptions.hpp"
#include "client/client_session.hpp"

#include <unistd.h>

namespace remora::detail {

void client_control::say_hello(fifo_ends ends) {
    fd_ = ends.in.get();
    const asio::any_io_executor& strand = session_.strand();
    pipe_ = std::make_shared<pipe_state>(strand, make_fifo_transport(strand, std::move(ends)),
                                         wire::control_name, control_limits, errc::server_gone,
                                         wait_policy::block, frame_kinds::control);
    pipe_->set_trace(session_.trace_of(wire::control_name, wire::control_name));
    const wire::hello words{.features = wire::all_features,
                            .max_message = session_.options().limits.message,
                            .pid = ::getpid()};
    send_frame(*pipe_, frame_kind::hello, 0, wire::magic, words);
}

asio::awaitable<void> client_control::run() {
    try {
        while (const frame* f = co_await await_frame(pipe_, deadline::max())) {
            handle(*f);
            pipe_->pop_frame();
        }
        session_.server_gone();
    } catch (const error& e) {
        if (e.code() == errc::closed || session_.is_leaving()) co_return;
        if (e.code() != errc::server_gone) session_.set_failure(e);
        session_.server_gone();
    } catch (const std::exception& e) {
        session_.set_failure(error(errc::protocol_error, std::string("control pipe: ") + e.what()));
        session_.server_gone();
    }
}

void client_control::handle(const frame& f) {
    switch (f.header.kind) {
        case frame_kind::welcome:
            welcomed(payload_of<wire::welcome>(f));
            break;
        case frame_kind::refused: {
            const auto why = payload_of<close_reason>(f);
            session_.set_failure(
                error(why.to_refusal(), "the server refused this app: " + quote(why.text)));
            break;
        }
        case frame_kind::connected:
        case frame_kind::rejected:
        case frame_kind::listed:
            session_.connections().answered(f);
            break;
        case frame_kind::goodbye:
            asked_to_end();
            break;
        default:
            throw_error(errc::protocol_error, "an unexpected frame on the control pipe");
    }
}

void client_control::welcomed(const wire::welcome& terms) {
    const bool sane = terms.version >= wire::oldest && terms.version <= wire::newest &&
                      terms.max_message >= wire::least_max_message;
    if (welcomed_ || !sane) {
        throw_error(errc::protocol_error, "a welcome to version " + std::to_string(terms.version) +
                                              " and messages of " +
                                              std::to_string(terms.max_message) + " bytes");
    }
    welcomed_ = true;
    session_.connections().set_terms(terms);
    session_.emit({.kind = event_kind::hello, .pid = terms.pid});
    session_.connections().find_arena(terms);
    session_.watch_server(terms.pid);
    const std::uint32_t needed = session_.options().min_server_version;
    if (terms.service_version < needed) {
        session_.set_failure(error(errc::version_mismatch,
                                   "the server is version " +
                                       std::to_string(terms.service_version) + ", this app needs " +
                                       std::to_string(needed) + " or newer"));
    }
    wake();
}

void client_control::asked_to_end() {
    stopping_ = true;
    session_.emit({.kind = event_kind::goodbye});
    if (session_.options().on_goodbye) {
        session_.options().on_goodbye();
    } else if (session_.hooks.on_goodbye) {
        session_.hooks.on_goodbye();
    }
}

asio::awaitable<void> client_control::await_welcome(deadline until) {
    if (!welcomed_ && !session_.failure()) {
        co_await awaiting_welcome_.wait(until);
        if (session_.failure()) throw *session_.failure();
        throw_if_cancelled(co_await asio::this_coro::cancellation_state);
    }
    if (session_.failure()) throw *session_.failure();
    if (!welcomed_) throw_error(errc::timed_out, "the server has not welcomed this app");
}

}  // namespace remora::detail
