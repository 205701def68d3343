// SPDX-License-Identifier: MIT
#include <remora/server.hpp>

#include "base/exceptions.hpp"
#include "server/app_run.hpp"
#include "server/server_core.hpp"

#include <remora/detail/base/access.hpp>
#include <remora/detail/call/call_access.hpp>
#include <remora/run_on.hpp>
#include <remora/service.hpp>

namespace remora {
namespace {

using detail::app_run;
using detail::server_core;

asio::awaitable<pipe> accept_from(std::shared_ptr<server_core> core, std::string name) {
    for (;;) {
        auto arrival = server_core::await_pipe(core, name);
        detail::listener* const here = co_await run_on(core->strand, std::move(arrival));
        detail::throw_if_cancelled(co_await asio::this_coro::cancellation_state);
        // The last act, on the caller's executor: what was cancelled before has taken nothing.
        if (auto end = core->accept_next(*here, co_await asio::this_coro::executor))
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
        if (const auto run = core->run.lock()) run->kill();
    });
}

namespace {

void add(const std::shared_ptr<server_core>& core, std::string name, detail::service_entry entry) {
    detail::check_pipe_name(name);
    if (!entry.function && !entry.make)
        detail::throw_error(errc::bad_option, "no function to serve " + quote(name));
    if (entry.options.ring_size) detail::check_ring(*entry.options.ring_size);
    if (entry.options.call_timeout) detail::check_call_timeout(*entry.options.call_timeout);
    asio::dispatch(core->strand, [core, name = std::move(name), entry = std::move(entry)] {
        core->serve(name, entry);
    });
}

asio::awaitable<void> serve_pipe(pipe connection, std::shared_ptr<const service> what) {
    co_await connection.serve(*what);
}

server::service_function serving(service what) {
    return [shared = std::make_shared<const service>(std::move(what))](pipe p) {
        return serve_pipe(std::move(p), shared);
    };
}

}  // namespace

void server::serve(std::string name, service_function service, serve_options options) {
    add(core_, std::move(name), {std::move(service), std::move(options)});
}

void server::serve(std::string name, const service& what, serve_options options) {
    add(core_, std::move(name), {serving(what), std::move(options)});
}

void server::serve(std::string name, service_maker make, serve_options options) {
    detail::service_entry entry{nullptr, std::move(options)};
    if (make) entry.make = [make](connection_info who) { return serving(make(std::move(who))); };
    add(core_, std::move(name), std::move(entry));
}

asio::awaitable<pipe> server::accept(std::string name) {
    detail::check_pipe_name(name);
    asio::dispatch(core_->strand, [core = core_, name] { core->listen(name); });
    return accept_from(core_, std::move(name));
}

app_process server::start(std::vector<std::string> arguments) {
    if (core_->busy.exchange(true)) detail::throw_error(errc::already_running, "start");
    std::shared_ptr<app_run> run;
    try {
        run = std::make_shared<app_run>(core_, std::move(arguments));
    } catch (...) {
        core_->busy = false;
        throw;
    }
    asio::dispatch(core_->strand, [server = core_, run] {
        server->run = run;
        run->begin();
    });
    return detail::access::make<app_process>(run);
}

}  // namespace remora
