// SPDX-License-Identifier: MIT
#include "client/client_core.hpp"

#include "base/exceptions.hpp"
#include "base/executors.hpp"
#include "base/listed.hpp"
#include "transport/run_directory.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace remora::detail {

client_core::client_core(asio::any_io_executor executor, client_options options)
    : executor_(std::move(executor)),
      strand_(strand_of(executor_)),
      options_(std::move(options)),
      emit_(with_log(options_.on_event, "client")) {
}

void client_core::no_server(bool met_before) {
    if (met_before) return set_failure(error(errc::bad_option, "a second client in one process"));
    set_failure(
        error(errc::no_server,
              "this program is an app: its server starts it, as in \"SERVER ./app arguments\""));
}

void client_core::start_handshake(const std::string& directory) try {
    directory_ = directory;
    parent_ = ::getppid();
    directory_fd_ =
        unique_fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!directory_fd_) raise_system(errno, "opening the directory of the pipes, " + directory);
    fifo_ends ends = open_ends(wire::control_name);
    control_fd_ = ends.in.get();
    say_hello(std::move(ends));
    asio::co_spawn(strand_, listen(shared_from_this()), asio::detached);
} catch (const error& e) {
    run_directory::remove_dead(directory);
    const bool absent = is_absent(e) || e.code() == std::errc::not_a_directory;
    set_failure(
        absent ? error(errc::no_server,
                       "the server that started this app is not there any more: " + e.context())
               : e);
} catch (const std::system_error& e) {
    set_failure(error(e.code(), "meeting the server"));
}

void client_core::say_hello(fifo_ends ends) {
    control_ = std::make_shared<pipe_state>(strand_, make_fifo_transport(strand_, std::move(ends)),
                                            wire::control_name, control_limits, errc::server_gone,
                                            wait_policy::block, frame_kinds::control);
    const wire::hello words{
        .features = wire::all_features, .max_message = options_.limits.message, .pid = ::getpid()};
    post(*control_, frame_kind::hello, 0, wire::magic, words);
}

asio::awaitable<void> client_core::listen(std::shared_ptr<client_core> self) {
    try {
        while (const frame* f = co_await await_frame(self->control_, deadline::max())) {
            self->handle(*f);
            self->control_->pop_frame();
        }
        self->server_gone();
    } catch (const error& e) {
        if (e.code() == errc::closed || self->leaving_) co_return;
        if (e.code() != errc::server_gone) self->set_failure(e);
        self->server_gone();
    } catch (const std::exception& e) {
        self->set_failure(error(errc::protocol_error, std::string("control pipe: ") + e.what()));
        self->server_gone();
    }
}

void client_core::handle(const frame& f) {
    switch (f.header.kind) {
        case frame_kind::welcome:
            welcomed(payload_of<wire::welcome>(f));
            break;
        case frame_kind::refused: {
            const auto why = payload_of<close_reason>(f);
            set_failure(error(why.to_refusal(), "the server refused this app: " + quote(why.text)));
            break;
        }
        case frame_kind::connected:
        case frame_kind::rejected:
        case frame_kind::listed:
            answered(f);
            break;
        case frame_kind::goodbye:
            stopping_ = true;
            emit_({.kind = event_kind::goodbye});
            if (options_.on_goodbye) {
                options_.on_goodbye();
            } else if (on_goodbye) {
                on_goodbye();
            }
            break;
        default:
            raise(errc::protocol_error, "an unexpected frame on the control pipe");
    }
}

void client_core::welcomed(const wire::welcome& terms) {
    const bool sane = terms.version >= wire::oldest && terms.version <= wire::newest &&
                      terms.max_message >= wire::least_max_message;
    if (welcomed_ || !sane) {
        raise(errc::protocol_error, "a welcome to version " + std::to_string(terms.version) +
                                        " and messages of " + std::to_string(terms.max_message) +
                                        " bytes");
    }
    welcomed_ = true;
    features_ = terms.features;
    options_.limits.message = std::min<std::size_t>(options_.limits.message, terms.max_message);
    emit_({.kind = event_kind::hello, .pid = terms.pid});
    if ((terms.features & wire::shared_memory) != 0) find_arena(terms);
    watch_server(terms.pid);
    if (terms.served < options_.min_server_version) {
        set_failure(error(errc::version_mismatch,
                          "the server is version " + std::to_string(terms.served) +
                              ", this app needs " + std::to_string(options_.min_server_version) +
                              " or newer"));
    }
    for (asio::steady_timer* waiting : newcomers_)
        waiting->cancel();
}

// In any case: the descriptor is not to stay open for the app's own children.
void client_core::find_arena(const wire::welcome& terms) try {
    arena_ = shm_arena::find(
        {terms.arena_fd, terms.arena_server_fd, terms.arena_device, terms.arena_inode}, terms.pid);
} catch (const error& e) {
    no_arena_ = e.context();
    if (options_.transport == transport_kind::fifo) return;
    emit_({.kind = event_kind::fallback, .code = e.code(), .text = e.context()});
}

// A forked child of the server may hold the control pipe's ends: its death is watched as well.
void client_core::watch_server(int pid) {
    unique_fd fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (!fd && errno == ESRCH && pid == parent_) server_gone();
    if (!fd) return;
    if (on_server_known) on_server_known(fd.get());
    server_.emplace(strand_, fd.get());
    fd.release();
    server_->async_wait(asio::posix::stream_descriptor::wait_read,
                        [weak = weak_from_this()](std::error_code ec) {
                            const auto self = weak.lock();
                            if (!ec && self) self->server_gone();
                        });
}

void client_core::server_gone() {
    if (gone_ || leaving_) return;
    gone_ = true;
    set_failure(error(errc::server_gone, "control pipe"));
    control_->fail(errc::server_gone);
    for (const auto& weak : pipes_) {
        const auto end = weak.lock();
        if (end) asio::post(end->executor(), [end] { end->fail(errc::server_gone); });
    }
    asio::co_spawn(strand_, remove_server_directory(shared_from_this()), asio::detached);
    emit_({.kind = event_kind::server_gone});
    if (on_gone) on_gone();
}

// The dead server's directory. Its lock may last a moment longer than its pipes.
asio::awaitable<void> client_core::remove_server_directory(std::shared_ptr<client_core> self) {
    asio::steady_timer pause(self->strand_);
    for (int tries = 0; tries < 20 && !run_directory::remove_dead(self->directory_); ++tries) {
        pause.expires_after(std::chrono::milliseconds(5));
        co_await pause.async_wait(asio::use_awaitable);
    }
    self->directory_removed_ = true;
}

void client_core::set_failure(const error& why) {
    if (failure_) return;
    failure_ = why;
    for (asio::steady_timer* waiting : newcomers_)
        waiting->cancel();
    fail_requests();
}

asio::awaitable<void> client_core::await_welcome(std::shared_ptr<client_core> self,
                                                 deadline until) {
    asio::steady_timer timer(self->strand_, until);
    const listed waiting(self->newcomers_, timer);
    if (!self->welcomed_ && !self->failure_) {
        std::error_code ec;
        co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ec));
        if (self->failure_) throw *self->failure_;
        throw_if_cancelled(co_await asio::this_coro::cancellation_state);
    }
    if (self->failure_) throw *self->failure_;
    if (!self->welcomed_) raise(errc::timed_out, "the server has not welcomed this app");
}

asio::awaitable<void> client_core::leave(std::shared_ptr<client_core> self) {
    self->leaving_ = true;
    asio::steady_timer limit(self->strand_, self->options_.linger);
    limit.async_wait([self](std::error_code ec) {
        if (!ec) self->abandon_all();
    });
    const auto pipes = self->pipes_;
    for (const auto& weak : pipes) {
        const auto end = weak.lock();
        if (end) co_await asio::co_spawn(end->executor(), close_end(end), asio::use_awaitable);
    }
    if (self->control_) co_await close_end(self->control_);
}

void client_core::abandon_all() {
    for (const auto& weak : pipes_) {
        const auto end = weak.lock();
        if (end) asio::post(end->executor(), [end] { end->fail(errc::closed); });
    }
    control_->fail(errc::closed);
}

void client_core::hang_up() {
    leaving_ = true;
    server_.reset();
    if (control_) control_->close();
}

}  // namespace remora::detail
