// SPDX-License-Identifier: MIT
/// One life of the app, from a start to its end.
#pragma once

#include "pipe/pipe_trace.hpp"
#include "process/stop_sequence.hpp"
#include "process/terminal_signals.hpp"
#include "server/app_child.hpp"
#include "server/app_output.hpp"
#include "server/connection_table.hpp"
#include "server/control_session.hpp"
#include "server/report_socket.hpp"
#include "server/transport_factory.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace remora::detail {

/// What the run has for a life of the app.
struct start_parameters {
    const std::vector<std::string>& arguments;
    const std::vector<int>& signals;  ///< that the server catches
    std::uint32_t life = 1;
    std::shared_ptr<std::atomic<int>> pid;  ///< what to set
    std::shared_ptr<trace_file> trace;      ///< null: nothing is written down
    std::chrono::steady_clock::time_point run_since;
};

/// The app's life: its start, its stop, and what its services may still do after its end. Owns the
/// control pipe and the connections, which refer to it. Belongs to the server's strand. It has more
/// members than others, since stopping the app and what follows its end are about the same state.
class app_session : public std::enable_shared_from_this<app_session> {
public:
    /// Makes the directory and the control pipe, and starts the app, unless somebody else is to.
    /// Throws what the system says.
    app_session(std::shared_ptr<server_core> server, const start_parameters& start);
    ~app_session();

    /// Starts to serve.
    void begin();

    /// As of its app_handle. 0 as long as it is not known.
    int pid() const noexcept { return *pid_; }
    /// False for an app that a launcher, or somebody else, starts.
    bool has_start_timeout() const noexcept { return has_start_timeout_; }
    const asio::any_io_executor& strand() const noexcept { return server_->strand; }

    /// Completes when the app is reaped. By then result() has its status.
    asio::awaitable<void> until_ended();
    bool has_ended() const noexcept { return ended_; }
    /// Completes when its services have ended, too, and no path is left.
    asio::awaitable<void> until_over();
    bool is_over() const noexcept { return over_; }
    const run_result& result() const noexcept { return result_; }

    void stop(stop_step first, std::chrono::nanoseconds grace);
    bool is_stopping() const noexcept { return stopping_.started(); }
    /// The server has got one of the signals that stop apps.
    void on_signal(int signal);
    bool has_got_signals() const noexcept { return signals_got_ > 0; }
    void kill();

    // For its parts.
    control_session& control() noexcept { return control_; }
    connection_table& connections() noexcept { return connections_; }
    /// Until it is over.
    app_handle& process() noexcept { return *process_; }
    void said_hello(int pid);
    /// Counts from 1.
    std::uint32_t life() const noexcept { return life_; }
    /// Stops it, unless it ends by itself within the time of a step of stopping it.
    void stop_later();
    /// What was wrong between server and app: an event, and in the result.
    void note_fault(const error& why);
    void emit(const event& e) { emit_(e); }
    /// What is written down of a pipe; null if nothing is. Throws std::bad_alloc.
    std::unique_ptr<pipe_trace> trace_of(const std::string& name, std::uint64_t connection = 0);

private:
    spawn_options how_to_spawn(const start_parameters& start);
    void spawn(spawn_options how);
    void await_app(const spawn_options& how);
    void note_end();
    bool ended_without_hello() noexcept;
    std::chrono::nanoseconds stop_timeout() const noexcept { return server_->options.stop_timeout; }
    void prepare() noexcept;
    void open_to_reports();
    asio::awaitable<byte_buffer> report();
    std::string state() const;
    asio::awaitable<void> wait_reaped();
    asio::awaitable<void> watch_app();
    asio::awaitable<void> drain();
    void finish();
    void perform(const stop_action& action);

    std::shared_ptr<server_core> server_;
    std::uint32_t life_;
    std::shared_ptr<trace_file> trace_;
    std::chrono::steady_clock::time_point run_since_;
    std::chrono::steady_clock::time_point since_;
    event_hook emit_;
    transport_factory transports_;
    connection_table connections_;
    control_session control_;
    app_output output_;
    std::shared_ptr<report_socket> reports_;  ///< null: nobody can look inside
    std::unique_ptr<app_handle> process_;
    std::shared_ptr<std::atomic<int>> pid_;
    bool has_start_timeout_ = false;
    std::string line_to_start_;  ///< for those who are to start the app; empty: it was started
    bool ended_ = false;         ///< the app is reaped
    bool over_ = false;
    wait_queue awaiting_exit_;
    wait_queue awaiting_finish_;
    run_result result_;
    stop_sequence stopping_;
    asio::steady_timer stop_timer_;
    terminal_signals terminal_;
    int signals_got_ = 0;
    bool waits_no_longer_ = false;  ///< for services: a stop signal was repeated meanwhile
};

}  // namespace remora::detail
