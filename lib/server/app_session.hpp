// SPDX-License-Identifier: MIT
/// One life of the app, as the server sees it.
#pragma once

#include "process/stop_sequence.hpp"
#include "process/stop_signals.hpp"
#include "process/terminal_signals.hpp"
#include "server/app_child.hpp"
#include "server/app_output.hpp"
#include "server/connection_table.hpp"
#include "server/control_session.hpp"
#include "server/transport_maker.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace remora::detail {

/// The app's life: its start, its stop, what its services may still do after its end, and the end
/// of the run. Owns the conversation and the connections, which refer to it. Belongs to the
/// server's strand. It has more members than others, since stopping the app and what follows its
/// end are about the same state.
class app_session : public std::enable_shared_from_this<app_session> {
public:
    /// Makes the directory and the control pipe, and starts the app. Throws what the system says.
    app_session(std::shared_ptr<server_core> server, const std::vector<std::string>& arguments);
    ~app_session();

    /// Starts to serve.
    void begin();

    int pid() const noexcept { return pid_; }
    /// Whether it was started through a launcher.
    bool has_launcher() const noexcept { return has_launcher_; }
    const asio::any_io_executor& strand() const noexcept { return server_->strand; }
    const asio::any_io_executor& executor() const noexcept { return server_->executor; }
    std::chrono::nanoseconds stop_timeout() const noexcept { return server_->options.stop_timeout; }
    static asio::awaitable<exit_status> exited(std::shared_ptr<app_session> self);
    static asio::awaitable<run_result> result(std::shared_ptr<app_session> self);
    void stop(stop_step first, std::chrono::nanoseconds grace);
    /// When the server goes.
    void kill();

    // For its parts.
    control_session& control() noexcept { return control_; }
    connection_table& connections() noexcept { return connections_; }
    /// Until the run is over.
    app_child& process() noexcept { return *process_; }
    bool has_ended() const noexcept { return ended_; }
    bool is_stopping() const noexcept { return stopping_.started(); }
    /// Stops it, unless it ends by itself within the time of a step of stopping it.
    void stop_later();
    /// What was wrong between server and app: an event, and in the result.
    void note_fault(const error& why);
    void emit(const event& e) { server_->emit(e); }

private:
    spawn_options how_to_spawn(const std::vector<std::string>& arguments);
    void prepare() noexcept;
    asio::awaitable<void> watch_app();
    asio::awaitable<void> drain();
    void finish();
    asio::awaitable<void> watch_signals();
    void on_signal(int signal);
    void perform(const stop_action& action);

    std::shared_ptr<server_core> server_;
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
    stop_signals signals_;
    int signals_got_ = 0;
    bool leaves_services_ = false;  ///< a stop signal was repeated while they were waited for
};

}  // namespace remora::detail
