// SPDX-License-Identifier: MIT
/// One life of the app, from a start to its end.
#pragma once

#include "process/stop_sequence.hpp"
#include "process/terminal_signals.hpp"
#include "server/app_child.hpp"
#include "server/app_output.hpp"
#include "server/connection_table.hpp"
#include "server/control_session.hpp"
#include "server/transport_maker.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace remora::detail {

/// What the run has for a life of the app.
struct app_start {
    const std::vector<std::string>& arguments;
    const std::vector<int>& signals;  ///< that the server catches
    std::uint32_t life = 1;
    std::shared_ptr<std::atomic<int>> pid;  ///< what to set
};

/// The app's life: its start, its stop, and what its services may still do after its end. Owns the
/// conversation and the connections, which refer to it. Belongs to the server's strand. It has more
/// members than others, since stopping the app and what follows its end are about the same state.
class app_session : public std::enable_shared_from_this<app_session> {
public:
    /// Makes the directory and the control pipe, and starts the app, unless somebody else is to.
    /// Throws what the system says.
    app_session(std::shared_ptr<server_core> server, const app_start& start);
    ~app_session();

    /// Starts to serve.
    void begin();

    /// 0 as long as it is not known.
    int pid() const noexcept { return *pid_; }
    /// Not through a launcher, nor by somebody else.
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
    app_processes& process() noexcept { return *process_; }
    void said_hello(int pid);
    /// Counts from 1.
    std::uint32_t life() const noexcept { return life_; }
    /// Stops it, unless it ends by itself within the time of a step of stopping it.
    void stop_later();
    /// What was wrong between server and app: an event, and in the result.
    void note_fault(const error& why);
    void emit(const event& e) { emit_(e); }

private:
    spawn_options how_to_spawn(const app_start& start);
    void spawn(spawn_options how);
    void await_app(const spawn_options& how);
    void note_end();
    std::chrono::nanoseconds stop_timeout() const noexcept { return server_->options.stop_timeout; }
    void prepare() noexcept;
    asio::awaitable<void> watch_app();
    asio::awaitable<void> drain();
    void finish();
    void perform(const stop_action& action);

    std::shared_ptr<server_core> server_;
    std::uint32_t life_;
    event_hook emit_;
    transport_maker transports_;
    connection_table connections_;
    control_session control_;
    app_output output_;
    std::unique_ptr<app_processes> process_;
    std::shared_ptr<std::atomic<int>> pid_;
    bool has_start_timeout_ = false;
    std::string line_to_start_;  ///< for those who are to start the app; empty: it was started
    bool ended_ = false;         ///< the app is reaped
    bool over_ = false;
    wait_queue until_ended_;
    wait_queue until_over_;
    run_result result_;
    stop_sequence stopping_;
    asio::steady_timer stop_timer_;
    terminal_signals terminal_;
    int signals_got_ = 0;
    bool leaves_services_ = false;  ///< a stop signal was repeated while they were waited for
};

}  // namespace remora::detail
