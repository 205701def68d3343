// SPDX-License-Identifier: MIT
// The life of the app, from its start to its end.
#include "server/app_session.hpp"

#include "base/print_line.hpp"
#include "base/spawn_member.hpp"
#include "polling/usable_cpus.hpp"

namespace remora::detail {

void app_session::begin() {
    const auto self = shared_from_this();
    if (line_to_start_.empty()) {
        emit({.kind = event_kind::started, .pid = pid()});
    } else {
        print_line("remora: waiting for the app, which is to be started by\n" + line_to_start_);
        emit({.kind = event_kind::awaiting_app, .text = line_to_start_});
    }
    spawn_member(strand(), self, watch_app());
    output_.start();
    // After what the host has said since the start: a name that it serves then is known.
    asio::post(strand(), [self] { spawn_member(self->strand(), self, self->control_.run()); });
    // As long as the app loads, there is time.
    asio::post(strand(), [self] { self->prepare(); });
}

void app_session::prepare() noexcept try {
    if (ended_) return;
    transports_.prepare({server_->options.ring_size, server_->options.limits.lent});
    // Reads files, and remembers what they say.
    if (server_->options.waiting != wait_policy::block) usable_cpus();
    if (server_->options.inspect) open_to_reports();
} catch (const std::exception&) {  // it is done when it is needed
}

asio::awaitable<void> app_session::wait_reaped() {
    while (!ended_) {
        try {
            result_.status = co_await process_->wait();
            // A launcher may not be all that has to be stopped.
            if (stopping_.started())
                co_await process_->wait_forked_app(stopping_.last_step() == stop_step::sigkill);
            ended_ = true;
            awaiting_exit_.notify_all();
        } catch (const std::bad_alloc&) {  // the run cannot end without it
        }
    }
}

asio::awaitable<void> app_session::watch_app() {
    co_await wait_reaped();
    note_end();
    result_.stopped_by = stopping_.last_step();
    stopping_.exited();
    stop_timer_.cancel();
    control_.pipe().fail(errc::app_gone);
    connections_.app_ended();
    try {
        co_await drain();
        if (reports_) {
            reports_->stop();
            connections_.end_report();
            co_await reports_->end();
        }
    } catch (const std::exception&) {  // there is no memory to wait with
    }
    finish();
}

void app_session::note_end() {
    std::string how = to_string(result_.status);
    if (process_->is_let_go()) how = "let go";
    if (process_->is_let_go() && !control_.is_welcomed() && !result_.error) {
        how = "no app has come";
        result_.error = errc::stopping;
        result_.text = "stopped while waiting for the app";
    }
    if (process_->is_let_go() && !result_.error)
        result_.text = "the app (pid " + std::to_string(pid()) + ") has not ended, and is let go";
    if (ended_without_hello()) {
        result_.text = "the app " + how +
                       " before it said hello: does it make a remora::client, of its own argc and "
                       "argv?";
        how += " before it said hello";
    }
    emit({.kind = event_kind::app_ended, .pid = pid(), .text = how});
}

// By itself: as a program does that is no app.
bool app_session::ended_without_hello() noexcept {
    return !process_->is_let_go() && !result_.error && !is_stopping() && !has_got_signals() &&
           !control_.has_heard();
}

std::unique_ptr<pipe_trace> app_session::trace_of(const std::string& name,
                                                  std::uint64_t connection) {
    if (!trace_) return nullptr;
    std::string track = connection == 0 ? name : name + " #" + std::to_string(connection);
    if (life_ > 1) track += " life " + std::to_string(life_);
    return std::make_unique<pipe_trace>(trace_, name, std::move(track));
}

void app_session::said_hello(int pid) {
    process_->said_hello(pid);
    *pid_ = process_->pid();
}

// First the services take what the app had sent; those that take too long, or wait for something
// else, are cancelled. Then functions take the last lines.
asio::awaitable<void> app_session::drain() {
    for (int round = 0; round < 2 && connections_.has_services(); ++round) {
        if (round == 1) connections_.cancel_services();
        if (waits_no_longer_) break;
        co_await connections_.services_ended(deadline_of(server_->options.drain_timeout));
    }
    if (waits_no_longer_) output_.drop_rest();
    co_await output_.finish(deadline_of(server_->options.drain_timeout));
    result_.lines_dropped = output_.dropped();
}

void app_session::finish() {
    server_->forget(*this);
    control_.pipe().close();
    if (reports_) reports_->stop();
    transports_.close(process_->is_dead());
    if (trace_ && !process_->is_dead()) trace_->leave_open();
    process_.reset();
    over_ = true;
    awaiting_finish_.notify_all();
}

asio::awaitable<void> app_session::until_ended() {
    while (!ended_)
        co_await awaiting_exit_.wait();
}

asio::awaitable<void> app_session::until_over() {
    while (!over_)
        co_await awaiting_finish_.wait();
}

}  // namespace remora::detail
