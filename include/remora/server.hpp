// SPDX-License-Identifier: MIT
/// The server: starts one app, and serves it.
#pragma once

#include <remora/app_process.hpp>
#include <remora/pipe.hpp>
#include <remora/server_options.hpp>

#include <sys/types.h>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace remora {

namespace detail {
class server_core;

/// That server::serve() has no form for What.
template <class What, class... Functions>
concept no_service =
    !std::convertible_to<What, const service&> && !(std::convertible_to<What, Functions> || ...);
}  // namespace detail

/// How connections to one name are served.
struct serve_options {
    /// Where this service's coroutines run. None: a strand of its own for each connection; under
    /// server::run, the context itself.
    asio::any_io_executor executor = {};
    /// For this service, instead of the server's.
    std::optional<transport_kind> transport = {};
    std::optional<wait_policy> waiting = {};    ///< likewise
    std::optional<std::size_t> ring_size = {};  ///< likewise, in bytes
    /// Likewise: see server_options::call_timeout.
    std::optional<std::chrono::nanoseconds> call_timeout = {};
};

/// Who has connected, and to what.
struct connection_info {
    std::string name;      ///< that the app has connected to
    std::uint64_t id = 0;  ///< the connection's number in this life of the app: event::connection
    /// The app's process. Behind a launcher that forks it is the one that has said hello; the
    /// launcher's, if that is no process below it.
    int pid = 0;
    /// The effective user of that process, as the kernel said when it connected; none if the kernel
    /// did not, as without /proc.
    std::optional<uid_t> uid = {};
};

/// Serves one app at a time.
///
/// Its functions may be called from any thread, except run(). What they return is awaited, and
/// cancelled, on the awaiting coroutine's executor, whichever that is: a strand, if several threads
/// run it. Destroying it kills an app that still lives; pipes, and services in progress, do not
/// need the server any more. The codes of errors are those of remora::errc.
class server {
public:
    /// A coroutine that serves one connection: it owns the pipe.
    using service_function = std::function<asio::awaitable<void>(pipe)>;
    /// A function that makes the service of one connection.
    using service_maker = std::function<service(connection_info)>;

    /// The context must outlive the server. Any executor will do, also that of a thread pool; the
    /// server and each connection make a strand of their own from it. Only run() needs an
    /// io_context, or its own executor. `target` and limits are checked by start().
    server(asio::io_context& io, server_options options);
    /// The same, on any executor; its context must outlive the server.
    server(asio::any_io_executor executor, server_options options);
    ~server();
    server(const server&) = delete;
    server& operator=(const server&) = delete;

    using executor_type = asio::any_io_executor;  ///< that of get_executor()
    /// What it was made with.
    executor_type get_executor() const noexcept;

    /// Lets the app connect to `name`: one coroutine `service(pipe)` for each connection. At any
    /// time; replaces an earlier service of that name. Throws `bad_name` and `bad_option`.
    ///
    /// An exception that leaves the coroutine closes that connection, which the app sees as
    /// `service_failed`, and goes to `on_failure`; the server lives. It is no failure if an
    /// `app_gone` leaves it, or a `closed` since the app has closed the pipe. The function is
    /// copied, and kept until it is replaced or the server is gone. Connections that are open keep
    /// the earlier one.
    void serve(std::string name, service_function service, serve_options options = {});

    /// The same, answered by the handlers of `what`: pipe::serve() for each connection.
    void serve(std::string name, const service& what, serve_options options = {});

    /// The same, answered by handlers of its own for each connection: they may share one object,
    /// the state of the connection.
    ///
    ///     server.serve("store", [](remora::connection_info who) {
    ///         const auto mine = std::make_shared<session>(who.uid);
    ///         return remora::service().on([mine](put what) { return mine->put(what); });
    ///     });
    ///
    /// `make` is called before the app's connect() completes, on the strand of the server, where
    /// other connections to be opened wait for it. What it returns is kept until the connection is
    /// closed and its last handler has ended. It is gone before the event that tells so, except
    /// where services are cancelled after `drain_timeout`.
    ///
    /// What it throws rejects that connection, and goes to `on_failure`; the server lives. The
    /// app's connect() fails with its text, and its code if that is of remora::errc, otherwise
    /// `service_failed`.
    void serve(std::string name, service_maker make, serve_options options = {});

    /// Anything else does not compile.
    template <class Other>
        requires detail::no_service<Other, service_function, service_maker>
    void serve(std::string, Other, serve_options = {}) {
        static_assert(!detail::no_service<Other, service_function, service_maker>,
                      "remora: what serves a name is a remora::service, a coroutine that takes a "
                      "remora::pipe and returns asio::awaitable<void>, or a function that takes a "
                      "remora::connection_info and returns a remora::service");
    }

    /// Awaits one connection to `name`, for those who want the pipe itself. From the first call on,
    /// awaited or not, connections to that name wait until they are accepted, at the longest until
    /// the run is over: call it before start() where other threads run the context already.
    ///
    /// Fails with `bad_name`. The pipe belongs to the awaiting coroutine's executor, and is taken
    /// there as the last act: cancelling loses no connection, as in `accept() || timer`. Any number
    /// of coroutines may accept; each connection goes to one of them. It does not end with the run:
    /// it waits for connections of the next one. Where the name is served as well, the service gets
    /// the connections.
    asio::awaitable<pipe> accept(std::string name);

    /// Starts the app with these arguments. Throws what the system says, with what is at fault in
    /// the text; `already_running` while another run lives; `bad_option` for options that cannot
    /// be. An event `fallback` may come before it returns.
    app_process start(std::vector<std::string> arguments = {});

    /// The whole of a `main`: starts the app, runs the context until the run is over, and returns
    /// the app's exit code, or 128 + N for signal N. For a context that nobody else runs. A failure
    /// to start is printed and becomes 127 (not found), 126 (not executable) or 125, as in env(1);
    /// 125 also if the server was made with another executor than an io_context's own, or while
    /// another run lives. It may be called again after it has returned.
    ///
    /// Where the app has died by a signal that the terminal sent to both, as by Ctrl-C, it does not
    /// return: when all is cleaned up and what stdio holds is written, this process dies by that
    /// signal, too, so that a shell that runs it ends its loop. What is to be done at the end is
    /// done before, in the app's services or on the event `app_ended`, or use start().
    int run(std::vector<std::string> arguments = {});

private:
    std::shared_ptr<detail::server_core> core_;
};

}  // namespace remora
