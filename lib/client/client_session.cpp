// SPDX-License-Identifier: MIT
#include "client/client_session.hpp"

#include "base/executors.hpp"
#include "base/spawn_member.hpp"
#include "transport/open_directory.hpp"
#include "transport/run_directory.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace remora::detail {

client_session::client_session(asio::any_io_executor executor, client_options options)
    : executor_(std::move(executor)),
      strand_(as_strand(executor_)),
      options_(std::move(options)),
      emit_(with_log(options_.on_event, "client")),
      control_(*this),
      connections_(*this) {
}

void client_session::no_server(bool met_before) {
    if (met_before) return set_failure(error(errc::bad_option, "a second client in one process"));
    set_failure(
        error(errc::no_server,
              "this program is an app: its server starts it, as in \"SERVER ./app arguments\""));
}

namespace {
// As by a server that lives.
bool is_locked(const std::string& directory) {
    const unique_fd there{::open(directory.c_str(), directory_flags)};
    return there && !lock_directory(there.get());
}
}  // namespace

void client_session::start_handshake(const std::string& directory) try {
    directory_ = directory;
    parent_pid_ = ::getppid();
    connections_.enter(directory);
    control_.say_hello(connections_.open_fifos(wire::control_name));
    spawn_member(strand_, shared_from_this(), control_.run());
} catch (const error& e) {
    run_directory::remove_dead(directory);
    const bool is_fixed = is_at_fixed_path(directory);
    const bool absent = is_absent(e) || (!is_fixed && e.code() == std::errc::not_a_directory);
    const char* const why = absent && is_locked(directory)
                                ? "this server has its app already, or had it: it "
                                  "serves one process, once: "
                            : is_fixed ? "no server waits for an app there, start one first: "
                                       : "the server that started this app is not there any more: ";
    set_failure(absent ? error(errc::no_server, why + e.context()) : e);
} catch (const std::system_error& e) {
    set_failure(error(e.code(), "meeting the server"));
}

// A forked child of the server may hold the control pipe's ends: its death is watched as well.
void client_session::watch_server(int pid) {
    unique_fd fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (!fd && errno == ESRCH && pid == parent_pid_) server_gone();
    if (!fd) return;
    if (hooks.on_server_known) hooks.on_server_known(fd.get());
    server_.emplace(strand_, fd.get());
    fd.release();
    server_->async_wait(asio::posix::stream_descriptor::wait_read,
                        [weak = weak_from_this()](std::error_code ec) {
                            const auto self = weak.lock();
                            if (!ec && self) self->server_gone();
                        });
}

void client_session::server_gone() {
    if (gone_ || leaving_) return;
    gone_ = true;
    set_failure(error(errc::server_gone, "control pipe"));
    control_.pipe()->fail(errc::server_gone);
    connections_.fail_pipes(errc::server_gone);
    spawn_member(strand_, shared_from_this(), remove_server_directory());
    emit({.kind = event_kind::server_gone});
    if (hooks.on_gone) hooks.on_gone();
}

// The dead server's directory. Its lock may last a moment longer than its pipes.
asio::awaitable<void> client_session::remove_server_directory() {
    asio::steady_timer pause(strand_);
    for (int tries = 0; tries < 20 && !run_directory::remove_dead(directory_); ++tries) {
        pause.expires_after(std::chrono::milliseconds(5));
        co_await pause.async_wait(asio::use_awaitable);
    }
    directory_removed_ = true;
}

std::unique_ptr<pipe_trace> client_session::trace_of(const std::string& name,
                                                     const std::string& track) const {
    return trace_ ? std::make_unique<pipe_trace>(trace_, name, track) : nullptr;
}

void client_session::set_failure(const error& why) {
    if (failure_) return;
    failure_ = why;
    control_.wake();
    connections_.fail_requests(why);
}

asio::awaitable<end_ptr> client_session::open(std::shared_ptr<client_session> self,
                                              asio::any_io_executor executor, std::string name,
                                              connect_options options) {
    auto opening = self->connections_.open(std::move(executor), std::move(name), options);
    co_return co_await std::move(opening);
}

asio::awaitable<std::vector<std::string>> client_session::list(
    std::shared_ptr<client_session> self) {
    auto listing = self->connections_.list();
    co_return co_await std::move(listing);
}

asio::awaitable<void> client_session::leave() {
    leaving_ = true;
    asio::steady_timer limit(strand_, options_.linger);
    limit.async_wait([self = shared_from_this()](std::error_code ec) {
        if (!ec) self->fail_all();
    });
    const auto pipes = connections_.pipes();
    for (const auto& weak : pipes) {
        const auto end = weak.lock();
        if (end) co_await asio::co_spawn(end->executor(), close_end(end), asio::use_awaitable);
    }
    if (control_.pipe()) co_await close_end(control_.pipe());
}

void client_session::fail_all() {
    connections_.fail_pipes(errc::closed);
    control_.pipe()->fail(errc::closed);
}

void client_session::hang_up() {
    leaving_ = true;
    server_.reset();
    if (control_.pipe()) control_.pipe()->close();
}

}  // namespace remora::detail
