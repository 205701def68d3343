// SPDX-License-Identifier: MIT
#include "server/app_run.hpp"

#include "base/spawn_member.hpp"

#include <utility>

namespace remora::detail {

app_run::app_run(std::shared_ptr<server_core> server, std::vector<std::string> arguments)
    : server_(std::move(server)),
      arguments_(std::move(arguments)),
      signals_(server_->strand),
      trace_(trace_file::make()),
      pid_(std::make_shared<std::atomic<int>>(0)) {
    if (server_->options.restart) schedule_.emplace(*server_->options.restart);
    if (server_->options.handle_signals) caught_signals_ = signals_.catch_all();
    life_ = make_life();
    lives_ = 1;
}

app_run::~app_run() {
    if (!over_) server_->busy = false;
}

std::shared_ptr<app_session> app_run::make_life() {
    return std::make_shared<app_session>(
        server_, start_parameters{arguments_, caught_signals_, lives_ + 1, pid_, trace_, since_});
}

void app_run::begin() {
    spawn_member(strand(), shared_from_this(), supervise());
    spawn_member(strand(), shared_from_this(), watch_signals());
    begin_life(life_);
}

void app_run::begin_life(const std::shared_ptr<app_session>& life) {
    server_->current = life;
    life->begin();
}

asio::awaitable<void> app_run::supervise() {
    while (!over_) {
        try {
            if (followed_ != lives_) {
                co_await follow_life();
            } else if (next_start_ && !restarts_stopped_) {
                co_await back_off();
            } else {
                finish();
            }
        } catch (const std::bad_alloc&) {  // the run cannot end without it
        }
    }
}

asio::awaitable<void> app_run::follow_life() {
    co_await life_->until_ended();
    if (last_judged_life_ != lives_) {
        last_judged_life_ = lives_;
        plan_restart();
    }
    co_await life_->until_over();
    const auto dropped_before = result_.lines_dropped;
    result_ = life_->result();
    result_.lines_dropped += dropped_before;
    followed_ = lives_;
}

void app_run::emit(event_kind kind, std::string text, std::error_code code) {
    const event e{
        .kind = kind, .pid = pid(), .life = lives_, .code = code, .text = std::move(text)};
    if (trace_) trace_->note(to_string(e));
    server_->emit(e);
}

void app_run::set_ended() {
    ended_ = true;
    awaiting_exit_.notify_all();
}

void app_run::finish() {
    result_.restarts = lives_ - 1;
    result_.from_terminal = result_.status.kind == exit_kind::signalled &&
                            signals_.came_from_terminal(result_.status.value);
    signals_.release();
    if (trace_) trace_->finish();
    if (!ended_) set_ended();
    server_->busy = false;
    over_ = true;
    awaiting_finish_.notify_all();
}

void app_run::stop(stop_step first, std::chrono::nanoseconds grace) {
    stop_restarting();
    life_->stop(first, grace);
}

void app_run::kill() {
    stop_restarting();
    life_->kill();
}

void app_run::stop_restarting() {
    restarts_stopped_ = true;
    awaiting_stop_.notify_all();
    if (life_->has_ended()) set_ended();
}

asio::awaitable<void> app_run::watch_signals() {
    while (!over_) {
        const int signal = co_await signals_.next();
        if (signal == 0) continue;
        if (life_->has_ended()) stop_restarting();
        life_->on_signal(signal);
    }
}

asio::awaitable<exit_status> app_run::exited(std::shared_ptr<app_run> self) {
    if (!self->ended_) co_await self->awaiting_exit_.wait();
    if (!self->ended_) throw std::system_error(asio::error::operation_aborted);
    co_return self->life_->result().status;
}

asio::awaitable<run_result> app_run::result(std::shared_ptr<app_run> self) {
    if (!self->over_) co_await self->awaiting_finish_.wait();
    if (!self->over_) throw std::system_error(asio::error::operation_aborted);
    co_return self->result_;
}

}  // namespace remora::detail
