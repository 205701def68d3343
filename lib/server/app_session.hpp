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

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace remora::detail {

/// The app's life: its start, its stop, and what its services may still do after its end. Owns the
/// conversation and the connections, which refer to it. Belongs to the server's strand. It has more
/// members than others, since stopping the app and what follows its end are about the same state.
class app_session : public std::enable_shared_from_this<app_session> {
public:
    /// Makes the directory and the control pipe, and starts the app, for the `life`-th time.
    /// `signals` are those that the server catches. Throws what the system says.
    app_session(std::shared_ptr<server_core> server, const std::vector<std::string>& arguments,
                const std::vector<int>& signals, std::uint32_t life);
    ~app_session();

    /// Starts to serve.
    void begin();

    int pid() const noexcept { return pid_; }
    /// Whether it was started through a launcher.
    bool has_launcher() const noexcept { return has_launcher_; }
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
    app_child& process() noexcept { return *process_; }
    /// Counts from 1.
    std::uint32_t life() const noexcept { return life_; }
    /// Stops it, unless it ends by itself within the time of a step of stopping it.
    void stop_later();
    /// What was wrong between server and app: an event, and in the result.
    void note_fault(const error& why);
    void emit(const event& e) { emit_(e); }

private:
    spawn_options how_to_spawn(const std::vector<std::string>& arguments,
                               const std::vector<int>& signals);
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
    std::optional<app_child> process_;
    int pid_ = 0;
    bool has_launcher_ = false;
    bool ended_ = false;  ///< the app is reaped
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
