// SPDX-License-Identifier: MIT
/// A run of the app, and what became of it.
#pragma once

#include <remora/asio.hpp>
#include <remora/process.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

namespace remora {

namespace detail {
struct access;
class app_run;
}  // namespace detail

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

}  // namespace remora
