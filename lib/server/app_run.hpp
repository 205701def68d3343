// SPDX-License-Identifier: MIT
/// A run: the app's lives, one after the other.
#pragma once

#include "process/restart_schedule.hpp"
#include "process/stop_signals.hpp"
#include "server/app_session.hpp"

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace remora::detail {

/// What `app_process` refers to. Has the app's present or last life, and starts the next one where
/// the options say so; catches the stop signals. Belongs to the server's strand. What outlives a
/// life is here, so its members are many.
class app_run : public std::enable_shared_from_this<app_run> {
public:
    /// Starts the app. Throws what the system says, and `bad_option`.
    app_run(std::shared_ptr<server_core> server, std::vector<std::string> arguments);
    ~app_run();

    /// Starts to serve.
    void begin();

    /// Of the present or last life. For any thread.
    int pid() const noexcept { return *pid_; }
    const asio::any_io_executor& strand() const noexcept { return server_->strand; }
    const asio::any_io_executor& executor() const noexcept { return server_->executor; }
    std::chrono::nanoseconds stop_timeout() const noexcept { return server_->options.stop_timeout; }
    static asio::awaitable<exit_status> exited(std::shared_ptr<app_run> self);
    static asio::awaitable<run_result> result(std::shared_ptr<app_run> self);
    void stop(stop_step first, std::chrono::nanoseconds grace);
    /// When the server goes.
    void kill();

private:
    std::shared_ptr<app_session> make_life();
    void begin_life(const std::shared_ptr<app_session>& life);
    asio::awaitable<void> supervise();
    asio::awaitable<void> follow_life();
    bool may_restart() const;
    void plan_restart();
    asio::awaitable<void> back_off();
    void restart();
    void stop_restarting();
    void set_ended();
    void finish();
    asio::awaitable<void> watch_signals();
    void emit(event_kind kind, std::string text, std::error_code code = {});

    std::shared_ptr<server_core> server_;
    std::vector<std::string> arguments_;
    const std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
    std::optional<restart_schedule> schedule_;
    stop_signals signals_;
    std::vector<int> caught_signals_;
    std::shared_ptr<trace_file> trace_;
    std::shared_ptr<app_session> life_;  ///< the present or last one
    std::uint32_t lives_ = 0;
    std::uint32_t last_judged_life_ =
        0;                        ///< the last life after which a restart was planned or not
    std::uint32_t followed_ = 0;  ///< the last life that was followed to its end
    std::shared_ptr<std::atomic<int>> pid_;  ///< shared with the life
    std::optional<deadline> next_start_;     ///< none: no further life is planned
    bool restarts_stopped_ = false;          ///< there may be no further life
    bool ended_ = false;                     ///< the last life is reaped
    bool over_ = false;                      ///< and its services have ended: result() may complete
    wait_queue awaiting_stop_;
    wait_queue awaiting_exit_;
    wait_queue awaiting_finish_;
    run_result result_;
};

}  // namespace remora::detail
