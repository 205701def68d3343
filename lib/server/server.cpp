// SPDX-License-Identifier: MIT
#include <remora/server.hpp>

#include "base/exceptions.hpp"
#include "base/executors.hpp"
#include "base/print_line.hpp"
#include "process/spawn.hpp"
#include "process/stop_signals.hpp"
#include "server/run_core.hpp"
#include "server/server_core.hpp"
#include "wire/control_records.hpp"

#include <remora/detail/call/call_access.hpp>
#include <remora/run_on.hpp>
#include <remora/service.hpp>

namespace remora {
namespace {

using detail::run_core;
using detail::server_core;

// After env(1): what a shell says of a command that was not found, that cannot be executed; and 125
// when it is the server that failed.
constexpr int code_not_found = 127;
constexpr int code_not_executable = 126;
constexpr int code_failed = 125;

int code_of_failed_exec(const std::error_code& code) {
    if (code == std::errc::no_such_file_or_directory || code == std::errc::not_a_directory) {
        return code_not_found;
    }
    const bool refused = code == std::errc::permission_denied ||
                         code == std::errc::is_a_directory ||
                         code == std::errc::executable_format_error;
    return refused ? code_not_executable : code_failed;
}

int say(const std::string& what, int code) {
    detail::print_line("remora: " + what);
    return code;
}

// A result that somebody runs the context for.
struct awaited_result {
    std::optional<run_result> result;
    bool awaited = false;
};

// Runs the context until there is a result: in one go, since Asio keeps the memory of past
// operations for the next ones only within a call. An exception out of a handler ends the app, so
// that it is not left behind when `main` is left.
int run_until_over(asio::io_context& io, awaited_result& end, const app_process& life) {
    int failed = 0;
    if (io.stopped()) io.restart();
    end.awaited = true;
    for (bool again = true; again && !end.result;) {
        try {
            again = false;
            io.run();
        } catch (const std::exception& e) {
            failed = say(std::string("a handler failed: ") + e.what(), code_failed);
            life.kill();
            again = true;
        }
    }
    end.awaited = false;
    if (end.result) io.restart();
    return failed;
}

// The context is run by server::run alone as long as this lives.
class alone_on_context {
public:
    explicit alone_on_context(server_core& core) noexcept : core_(core) { core_.alone = true; }
    ~alone_on_context() { core_.alone = false; }
    alone_on_context(const alone_on_context&) = delete;
    alone_on_context& operator=(const alone_on_context&) = delete;

private:
    server_core& core_;
};

asio::awaitable<pipe> accept_from(std::shared_ptr<server_core> core, std::string name) {
    for (;;) {
        auto offer = server_core::await_offer(core, name);
        detail::listener* const here = co_await run_on(core->strand, std::move(offer));
        detail::throw_if_cancelled(co_await asio::this_coro::cancellation_state);
        // The last act, on the caller's executor: what was cancelled before has taken nothing.
        if (auto end = core->take(*here, co_await asio::this_coro::executor))
            co_return detail::call_access::make_pipe(std::move(end));
    }
}

}  // namespace

server::server(asio::io_context& io, server_options options)
    : server(io.get_executor(), std::move(options)) {
}

server::server(asio::any_io_executor executor, server_options options)
    : core_(std::make_shared<server_core>(std::move(executor), std::move(options))) {
}

asio::any_io_executor server::get_executor() const noexcept {
    return core_->executor;
}

server::~server() {
    asio::dispatch(core_->strand, [core = core_] {
        if (const auto run = core->current.lock()) run->end();
    });
}

void server::serve(std::string name, service_function service, serve_options options) {
    detail::check_pipe_name(name);
    if (!service) detail::raise(errc::bad_option, "no function to serve " + quote(name));
    if (options.ring_size) detail::check_ring(*options.ring_size);
    asio::dispatch(core_->strand,
                   [core = core_, name = std::move(name),
                    entry = detail::service_entry{std::move(service), std::move(options)}] {
                       core->serve(name, entry);
                   });
}

namespace {
asio::awaitable<void> serve_pipe(pipe connection, std::shared_ptr<const service> what) {
    co_await connection.serve(*what);
}
}  // namespace

void server::serve(std::string name, const service& what, serve_options options) {
    const auto shared = std::make_shared<const service>(what);
    serve(
        std::move(name), [shared](pipe p) { return serve_pipe(std::move(p), shared); },
        std::move(options));
}

asio::awaitable<pipe> server::accept(std::string name) {
    detail::check_pipe_name(name);
    asio::dispatch(core_->strand, [core = core_, name] { core->listen(name); });
    return accept_from(core_, std::move(name));
}

app_process server::start(std::vector<std::string> arguments) {
    if (core_->busy.exchange(true)) detail::raise(errc::already_running, "start");
    std::shared_ptr<run_core> core;
    try {
        core = std::make_shared<run_core>(core_, arguments);
    } catch (...) {
        core_->busy = false;
        throw;
    }
    asio::dispatch(core_->strand, [server = core_, core] {
        server->current = core;
        core->begin();
    });
    return app_process(core);
}

int server::run(std::vector<std::string> arguments) {
    asio::io_context* const io = detail::context_of(core_->executor);
    if (io == nullptr) {
        return say("server.run() needs a server that was made with an io_context", code_failed);
    }
    const auto end = std::make_shared<awaited_result>();
    std::optional<remora::app_process> life;
    try {
        life = start(std::move(arguments));
    } catch (const detail::exec_failure& e) {
        return say(e.what(), code_of_failed_exec(e.code()));
    } catch (const std::system_error& e) {
        return say(e.what(), code_failed);
    }
    const alone_on_context no_strands(*core_);
    asio::co_spawn(core_->strand, life->result(), [end, io](std::exception_ptr, run_result r) {
        end->result = std::move(r);
        if (end->awaited) io->stop();
    });
    const int failed = run_until_over(*io, *end, *life);
    if (!end->result) return say("the context was stopped before the app had ended", code_failed);
    if (end->result->error) say(end->result->text, 0);
    if (end->result->status.kind == exit_kind::unknown)
        say("the app " + to_string(end->result->status), 0);
    if (end->result->from_terminal) {
        std::fflush(nullptr);
        detail::die_by(end->result->status.value);
    }
    return failed != 0 ? failed : end->result->code();
}

asio::any_io_executor app_process::get_executor() const noexcept {
    return core_->executor();
}

int app_process::pid() const noexcept {
    return core_->pid();
}

namespace {
void stop_run(const std::shared_ptr<run_core>& core, stop_step first,
              std::chrono::nanoseconds grace) {
    asio::dispatch(core->strand(), [core, first, grace] { core->stop(first, grace); });
}
}  // namespace

asio::awaitable<exit_status> app_process::exited() const {
    return run_on(core_->strand(), run_core::exited(core_));
}

asio::awaitable<run_result> app_process::result() const {
    return run_on(core_->strand(), run_core::result(core_));
}

void app_process::terminate() const {
    stop_run(core_, stop_step::goodbye, core_->stop_timeout());
}

void app_process::terminate(std::chrono::nanoseconds stop_timeout) const {
    stop_run(core_, stop_step::goodbye, stop_timeout);
}

void app_process::kill() const {
    stop_run(core_, stop_step::sigkill, {});
}

}  // namespace remora
