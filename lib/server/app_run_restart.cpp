// SPDX-License-Identifier: MIT
// Whether and how the app is started again.
#include "server/app_run.hpp"

namespace remora::detail {
namespace {

bool has_failed(const exit_status& status) {
    return status.kind == exit_kind::signalled ||
           (status.kind == exit_kind::exited && status.value != 0);
}

std::string in_words(std::chrono::nanoseconds time) {
    return std::to_string(std::chrono::ceil<std::chrono::milliseconds>(time).count()) + " ms";
}

}  // namespace

// An app that was stopped, or has got a signal of the terminal's, has ended as it was meant to. One
// that was refused would be refused again.
bool app_run::may_restart() const {
    return schedule_ && !restarts_stopped_ && !life_->is_stopping() && !life_->has_got_signals() &&
           !life_->result().error && has_failed(life_->result().status);
}

void app_run::plan_restart() {
    next_start_.reset();
    if (may_restart()) {
        const restart_options& how = *server_->options.restart;
        const std::string limit =
            std::to_string(how.limit) + " restarts within " + in_words(how.window);
        const auto now = std::chrono::steady_clock::now();
        if (const auto delay = schedule_->next(now)) {
            next_start_ = deadline_of(*delay);
            emit(event_kind::restarting, "in " + in_words(*delay) + ", " +
                                             std::to_string(schedule_->in_window()) + " of " +
                                             limit);
        } else {
            emit(event_kind::gave_up, "after " + limit);
        }
    }
    if (!next_start_) set_ended();
}

asio::awaitable<void> app_run::back_off() {
    if (!restarts_stopped_) co_await awaiting_stop_.wait(*next_start_);
    if (!restarts_stopped_ && std::chrono::steady_clock::now() >= *next_start_) restart();
}

// What cannot be started now perhaps can be later, as a program that is being replaced.
void app_run::restart() try {
    const auto before = life_;
    life_ = make_life();
    try {
        begin_life(life_);
    } catch (...) {
        life_->kill();
        life_ = before;
        throw;
    }
    next_start_.reset();
    ++lives_;
    // Whoever was told of it may have stopped it.
    if (restarts_stopped_) life_->stop(stop_step::sigterm, server_->options.stop_timeout);
} catch (const std::system_error& e) {
    result_.error = e.code();
    result_.text = e.what();
    emit(event_kind::restarting, e.what(), e.code());
    plan_restart();
}

}  // namespace remora::detail
