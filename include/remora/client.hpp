// SPDX-License-Identifier: MIT
/// The app's side: connecting to its server.
#pragma once

#include <remora/event.hpp>
#include <remora/pipe.hpp>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace remora {

namespace detail {
class client_session;
}

/// What client::run does when the server vanishes. Pending operations fail with `server_gone` in
/// any case.
struct server_gone_policy {
    /// See client_options::on_server_gone.
    enum class kind {
        end,        ///< The app's coroutine is cancelled.
        stay,       ///< Nothing more happens.
        end_within  ///< As `end`; after `limit` the process is ended.
    };
    kind what = kind::end;             ///< which of them
    std::chrono::nanoseconds limit{};  ///< of `end_within`

    /// Cancels the app's coroutine.
    static constexpr server_gone_policy end() { return {}; }
    /// Does nothing.
    static constexpr server_gone_policy stay() { return {kind::stay, {}}; }
    /// Cancels the app's coroutine, and ends the process if that takes longer than `limit`.
    static constexpr server_gone_policy end_within(std::chrono::nanoseconds limit) {
        return {kind::end_within, limit};
    }
};

/// What a client is made with.
struct client_options {
    /// `end`: the app's coroutine is cancelled, and run() returns 69 within half a second, wherever
    /// the context runs. `stay`: nothing more happens. `end_within(400ms)`: as `end`, and a thread
    /// watches and ends the process with code 69 if the app does not get there in time, as when it
    /// spins outside the context.
    server_gone_policy on_server_gone = server_gone_policy::end();
    /// The least server_options::version that this app can do with: connect() fails with
    /// `version_mismatch` where the server's is less.
    std::uint32_t min_server_version = 0;
    /// Called when the server asks the app to end, as the first step of stopping it; it must not
    /// throw, and runs on an executor of the client's own. None: run() cancels the app's coroutine,
    /// and returns 143, as if by SIGTERM, unless that returns a code of its own.
    std::function<void()> on_goodbye = {};
    /// How long run() lets what was sent leave, once the app's coroutine has ended.
    std::chrono::nanoseconds linger = std::chrono::seconds(5);
    pipe_limits limits = {};  ///< of the app's ends of its pipes
    /// The time limit of the app's calls that have none of their own, on each pipe: see
    /// pipe::set_default_timeout(). Above 0; max(): none. connect() may choose another.
    std::chrono::nanoseconds call_timeout = std::chrono::nanoseconds::max();
    /// The transport that connections may use. connect() may choose another.
    /// `shared_memory` is a demand: connect() fails with `no_transport` where there is none. (The
    /// memory comes as descriptor 3, which a program inherits that the app starts before the first
    /// connect() has completed.)
    transport_kind transport = transport_kind::automatic;
    /// How the app's ends wait. connect() may choose otherwise.
    wait_policy waiting = wait_policy::adaptive;
    event_hook on_event = {};  ///< told what happens to the client: see event_hook
};

/// What one connection is asked for with.
struct connect_options {
    /// How long to wait for a pipe that the server does not serve yet.
    std::chrono::nanoseconds wait{};
    /// How long to wait for the server's answer.
    std::chrono::nanoseconds timeout = std::chrono::nanoseconds::max();
    /// For this connection, instead of the client's.
    std::optional<transport_kind> transport = {};
    std::optional<wait_policy> waiting = {};  ///< likewise
    /// Likewise: see client_options::call_timeout. Not that of the connecting itself.
    std::optional<std::chrono::nanoseconds> call_timeout = {};
};

namespace detail {

template <class Result>
concept app_result = std::convertible_to<Result, asio::awaitable<int>> ||
                     std::convertible_to<Result, asio::awaitable<void>>;
/// What client::run() takes.
template <class App, class Client>
concept app_main = requires(App& app, Client& client) {
    { app(client) } -> app_result;
} || requires(App& app) {
    { app() } -> app_result;
};

}  // namespace detail

/// The app's connection to its server: the control pipe, and the handshake on it. One in a process:
/// a second one fails with `bad_option`.
///
/// The constructor does not wait: it opens the control pipe and says hello. What goes wrong there
/// is thrown by the first connect(), or printed by run(). A server's address is taken out of argv
/// (--remora.pipes=DIR) or of the environment (REMORA_PIPES), wherever it stands. Its server puts
/// it first: look at your own arguments when the client is made.
///
/// connect() and services() may be called from any thread, and are cancelled on the executor of the
/// coroutine that awaits them; run() may not. The context has work as long as the client lives. The
/// destructor tells the server that the app is leaving, if the context still runs, or else the end
/// of the process does; pipes still in use are not affected. The codes of errors are those of
/// remora::errc.
class client {
public:
    /// The context must outlive the client. Any executor will do, also that of a thread pool; only
    /// run() needs an io_context, or its own executor. `argc` and `argv` are changed only during
    /// the call. Throws `bad_option` for limits and a `call_timeout` that cannot be.
    client(asio::io_context& io, int& argc, char** argv, client_options options = {});
    /// The same, on any executor; its context must outlive the client.
    client(asio::any_io_executor executor, int& argc, char** argv, client_options options = {});
    ~client();
    client(const client&) = delete;
    client& operator=(const client&) = delete;

    using executor_type = asio::any_io_executor;  ///< that of get_executor()
    /// What it was made with.
    executor_type get_executor() const noexcept;

    /// Connects to the pipe that the server serves under `name`. Any number of connections may go
    /// to one name. The pipe belongs to the awaiting coroutine's executor: a strand, if several
    /// threads run the context.
    ///
    /// Fails with `no_server`, `refused` or `version_mismatch` if the handshake failed, `bad_name`,
    /// `bad_option`, `no_such_pipe`, `no_transport`, `overloaded`, `refused` if the server cannot
    /// make a pipe, `stopping`, `timed_out`, `server_gone`, or what the system says. An app that
    /// was stopped for so long that its server does not wait any more asks again. Cancelled, it
    /// leaves nothing open.
    asio::awaitable<pipe> connect(std::string name, connect_options options = {});

    /// The names that the server serves now, or accepts connections to, in order. Fails with
    /// `no_server`, `refused` or `version_mismatch` if the handshake failed, `version_mismatch`
    /// also if the server is too old to say, or `server_gone`. It has no limit of time; cancelling
    /// it is safe. Any number may run at once.
    asio::awaitable<std::vector<std::string>> services();

    /// The whole of a `main`, for a context that nobody else runs: runs it until `app` has ended,
    /// keeps the state of this client alive meanwhile, lets what was sent leave, closes the control
    /// pipe, and returns the code: what `app` returns (0 for void); 69 without a server or when the
    /// server has vanished; 70 for an exception, which is printed, or if the client was made with
    /// another executor than an io_context's own. To be called once. `app` is called as
    /// app(client&) or app(), and returns awaitable<int> or awaitable<void>.
    template <class App>
    int run(App app) {
        static_assert(detail::app_main<App, client>,
                      "remora: client.run() takes a function, and not what it has returned: it is "
                      "called as app(client&) or app(), and returns asio::awaitable<int> or "
                      "asio::awaitable<void>");
        if constexpr (detail::app_main<App, client>) {
            const auto kept = std::make_shared<App>(std::move(app));
            return run_app([this, kept]() { return adapt(*kept); });
        } else {
            return 0;
        }
    }

private:
    using app_function = std::function<asio::awaitable<int>()>;

    int run_app(app_function app);

    template <class App>
    asio::awaitable<int> adapt(App& app) {
        if constexpr (std::invocable<App&, client&>) {
            return code_of(app(*this));
        } else {
            return code_of(app());
        }
    }
    static asio::awaitable<int> code_of(asio::awaitable<int> app) { return app; }
    static asio::awaitable<int> code_of(asio::awaitable<void> app) {
        co_await std::move(app);
        co_return 0;
    }

    std::shared_ptr<detail::client_session> session_;
};

}  // namespace remora
