// SPDX-License-Identifier: MIT
/// The server: starts one app, and serves it.
#pragma once

#include <remora/event.hpp>
#include <remora/pipe.hpp>
#include <remora/process.hpp>
#include <remora/restart.hpp>

#include <sys/types.h>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace remora {

namespace detail {
struct access;
class app_run;
class server_core;

/// That server::serve() has no form for What.
template <class What, class... Functions>
concept no_service =
    !std::convertible_to<What, const service&> && !(std::convertible_to<What, Functions> || ...);
}  // namespace detail

/// Called with each line that the app writes, without its newline, as the app wrote it: see quote()
/// for showing text of another process.
///
/// A line of more than 64 KiB comes in pieces of that size. The functions of a run are called one
/// at a time, on a strand of their own, from the app's start until before the run is over: what the
/// app wrote last has come by then, with or without a newline. They must not throw; what one throws
/// becomes an event `output_lost`.
///
/// The app never waits for a function: what it writes is read all the time, and up to 1 MiB of it
/// waits here. Lines beyond that are dropped. They are counted in the result, and each gap is an
/// event `output_lost`. Only while the context does not run, as when a function or handler computes
/// on its only thread, the app can write no more than its pipe takes.
using line_function = std::function<void(std::string_view line)>;

/// Where the app's standard output or error leads: a descriptor, `inherited`, `null_device`, the
/// path of a file that is appended to, or a function: see `standard_stream`.
using output_stream = std::variant<int, std::filesystem::path, line_function>;

/// What a server is made with.
struct server_options {
    /// The app's executable. A relative path is relative to the working directory.
    std::string target;
    /// The version number of the services, chosen by their author and raised with each release:
    /// see client_options::min_server_version.
    std::uint32_t version = 0;
    /// The app's working directory; none: the server's.
    std::optional<std::string> working_directory = {};
    /// Words to put before the target, as {"gdb", "--args"}; the environment's REMORA_LAUNCHER,
    /// split at spaces, if empty. With a launcher there is no start timeout.
    std::vector<std::string> launcher = {};
    /// Whether somebody else starts the app, such as an IDE or a debugger. Also if the environment
    /// has REMORA_ATTACH=1. The command to start it by is printed on standard error, and is the
    /// text of an event `awaiting_app`. There is no start timeout, and the standard streams, group,
    /// umask and limits are those that it is started with.
    ///
    /// The app is asked to end, and gets SIGTERM, as one of the server's own; but it is never
    /// killed: at the step SIGKILL, and when the server is destroyed, the run ends without it. It
    /// is signalled only if the kernel says that the process which said hello has the control pipe
    /// open; otherwise its end is that of the control pipe. Its status is `unknown` where the
    /// kernel does not tell (before Linux 6.15). Stopped before an app has come, the run ends at
    /// once, with the error `stopping`.
    bool attach = false;
    /// The same, for a command that does not change: the directory of each run is
    /// "remora-attach.NAME", so that it may stand in an IDE's settings. Also if the environment has
    /// REMORA_ATTACH=NAME. 1 to 64 letters, digits, `_`, `-` and `.`, otherwise `bad_option`. Of
    /// the servers of a user one at a time has a name: start() of another one fails with the
    /// system's EADDRINUSE and the process id of the first. Empty: the command differs each time.
    std::string attach_name = {};
    /// "NAME=value": added to the environment that the app inherits, or in place of what is there.
    std::vector<std::string> environment = {};
    /// Environment variables that are taken out of what the app inherits.
    std::vector<std::string> unset = {};
    /// See spawn_options. With a group of its own, the signals that stop the app go to all of the
    /// group. What is left of it when the app has ended goes on.
    process_group group = process_group::shared;
    std::optional<mode_t> umask = {};                  ///< the app's; none: the server's
    std::vector<resource_limit> resource_limits = {};  ///< the app's; others are the server's
    /// The app's standard streams. Where a function takes the lines, what the app has left behind
    /// cannot write any more once the run is over, and is not waited for.
    standard_stream standard_input = inherited;
    output_stream standard_output = inherited;  ///< likewise
    output_stream standard_error = inherited;   ///< likewise
    /// How long the app may take from its start to its hello.
    std::chrono::nanoseconds start_timeout = std::chrono::seconds(10);
    /// How long services may go on after the app has ended, until they are cancelled; and then how
    /// long functions may take its last lines.
    std::chrono::nanoseconds drain_timeout = std::chrono::seconds(1);
    /// How long each step of stopping the app may take: goodbye, then SIGTERM, then SIGKILL.
    std::chrono::nanoseconds stop_timeout = std::chrono::seconds(1);
    /// Whether SIGINT, SIGQUIT, SIGTERM and SIGHUP are acted on while a run lives: see
    /// `app_process`. Those that the host handles or ignores when it starts are left alone. Each
    /// run of the process that lives gets the signal, whichever server and context it belongs to.
    bool handle_signals = true;
    /// Whether the app is started again when a signal has killed it or its exit code is not 0.
    /// None: it is not. Nor is an app that was stopped or refused, one that ends after a stop
    /// signal has come to this process, and one whose status is unknown.
    ///
    /// Each of these lives begins as the first did, with a directory and shared memory of its own,
    /// when the services of the one before have ended: the pipes of that have failed with
    /// `app_gone`, and calls that were in flight with the kind `gone`. pipe::life() tells them
    /// apart. Each restart is an event `restarting`, also if it fails, which counts as a failure of
    /// the app; at the limit there is an event `gave_up`. A stop during a delay ends the run at
    /// once.
    std::optional<restart_options> restart = {};
    /// How many pipes the app may have open. Each takes three descriptors of the server.
    std::size_t max_connections = 1024;
    /// Whether this user's `remora-inspect` can look into a run: its pipes, what they have done. It
    /// takes one descriptor, and no time until somebody looks. If the socket cannot be made the run
    /// goes on without it.
    bool inspect = true;
    pipe_limits limits = {};  ///< of the server's ends of its pipes
    /// The time limit of the server's calls that have none of their own, on each pipe: see
    /// pipe::set_default_timeout(). Above 0; max(): none.
    std::chrono::nanoseconds call_timeout = std::chrono::nanoseconds::max();
    /// The transport of connections. serve() may choose another, and what follows, too.
    /// Where `shared_memory` is demanded and cannot be had, the app's connect() fails with
    /// `no_transport`, or `overloaded` if memory is short; `automatic` falls back, with an event.
    transport_kind transport = transport_kind::automatic;
    /// How the server's ends wait.
    wait_policy waiting = wait_policy::adaptive;
    /// Bytes of each of the two rings of a connection over shared memory: a power of two, from one
    /// page to 1 GiB. A larger message goes through a ring in pieces, with one more copy.
    std::size_t ring_size = 256u << 10;
    event_hook on_event = {};  ///< told what happens to the server: see event_hook
    /// Called when an exception leaves a service, on that pipe's executor, so perhaps by several
    /// threads at once; or a function that makes one, on the server's strand. By default a line on
    /// stderr.
    std::function<void(std::string_view name, std::exception_ptr why)> on_failure = {};
};

/// What became of a run: of the last life of the app, where it was started again.
struct run_result {
    exit_status status;  ///< how the app ended
    /// The last step of stopping it that was needed.
    stop_step stopped_by = stop_step::none;
    /// What went wrong between server and app, if anything did: `start_timeout`,
    /// `protocol_error`...
    std::error_code error = {};
    /// what() of that error; or that an attached app was let go, or that the app has ended before
    /// it said hello, as a program does that is no app.
    std::string text = {};
    /// Whether the terminal has sent the signal that killed the app to this process, too: Ctrl-C.
    /// True also if the app survived that one and a later one killed it, as bash judges. A shell
    /// ends its loop or script only if this process dies by it as well: see server::run().
    bool from_terminal = false;
    /// Lines of the app's output that were dropped: see `line_function`.
    std::uint64_t lines_dropped = 0;
    /// How often the app was started again.
    std::uint32_t restarts = 0;

    /// The app's exit code, or 128 + N for signal N.
    int code() const noexcept { return status.code(); }
};

/// A run of the app, with its restarts: a handle, cheap to copy. The run goes on without it.
///
/// While a run lives the server does not act on the first SIGINT or SIGQUIT: a terminal sends them
/// to the app as well, and the server follows the app's end. A second one within 2 s, SIGTERM or
/// SIGHUP starts the stop sequence, and each further one takes its next step.
///
/// When the app has ended, a first stop signal cancels the services; a second one, counted from the
/// start, ends the wait for them. The third in a row that finds the context not running, as while a
/// handler computes for ever, ends the process. Any thread may use a run. What is awaited fails
/// only when it is cancelled.
class app_process {
public:
    using executor_type = asio::any_io_executor;  ///< that of get_executor()
    /// The server's.
    executor_type get_executor() const noexcept;

    /// The process id of the app, or of its launcher: of the present or last life; 0 as long as it
    /// is not known, see server_options::attach. After it was reaped the number may belong to
    /// another process.
    int pid() const noexcept;

    /// Completes at once when the app has ended and is not started again, with its exit status. Its
    /// services may still take what it sent. May be awaited by several. Cancelling ends only this
    /// wait.
    asio::awaitable<exit_status> exited() const;

    /// Completes when the run is over: the app is reaped, its last messages are delivered, the
    /// services have ended or were cancelled, and no path is left. May be awaited by several.
    /// Cancelling ends only this wait.
    asio::awaitable<run_result> result() const;

    /// Starts the stop sequence: goodbye on the control pipe, SIGTERM, SIGKILL, each after
    /// `stop_timeout`. Returns at once; result() tells which step did it. Does nothing once the
    /// sequence has begun, or the app has ended.
    void terminate() const;
    /// The same, with this time for each step.
    void terminate(std::chrono::nanoseconds stop_timeout) const;

    /// SIGKILL, at once. Does nothing once the app has ended. One that somebody else has started is
    /// let go.
    void kill() const;

private:
    friend struct detail::access;

    explicit app_process(std::shared_ptr<detail::app_run> run) noexcept : run_(std::move(run)) {}

    std::shared_ptr<detail::app_run> run_;
};

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
    /// `service_failed`, and goes to `on_failure`; the server lives. An
    /// `app_gone` that leaves it is no failure.
    /// The function is copied, and kept until it is replaced or the server is gone. Connections
    /// that are open keep the earlier one.
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
