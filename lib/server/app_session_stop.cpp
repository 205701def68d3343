// SPDX-License-Identifier: MIT
// How the app is stopped.
#include "server/app_session.hpp"

#include <signal.h>

namespace remora::detail {
namespace {

std::chrono::milliseconds to_ms(std::chrono::nanoseconds time) {
    return std::chrono::ceil<std::chrono::milliseconds>(time);
}

}  // namespace

void app_session::stop(stop_step first, std::chrono::nanoseconds grace) {
    if (ended_) return;
    if (!stopping_.started()) stopping_ = stop_sequence({to_ms(grace), to_ms(grace)});
    if (first == stop_step::goodbye && !control_.is_welcomed()) first = stop_step::sigterm;
    perform(stopping_.start(first));
}

void app_session::stop_later() {
    if (stopping_.started()) return;
    stop_timer_.expires_after(stop_timeout());
    stop_timer_.async_wait([self = shared_from_this()](std::error_code ec) {
        if (!ec) self->stop(stop_step::sigterm, self->stop_timeout());
    });
}

void app_session::kill() {
    if (!over_) process_->signal(SIGKILL);
}

void app_session::perform(const stop_action& action) {
    if (action.what == stop_action::kind::nothing || action.what == stop_action::kind::done) return;
    emit({.kind = event_kind::stopping, .pid = pid(), .text = to_string(stopping_.last_step())});
    if (action.what == stop_action::kind::say_goodbye) {
        if (control_.pipe().can_send()) send_frame(control_.pipe(), frame_kind::goodbye);
    } else {
        process_->signal(action.signal);
    }
    if (!action.then_wait) return;
    stop_timer_.expires_after(*action.then_wait);
    stop_timer_.async_wait([self = shared_from_this()](std::error_code ec) {
        if (!ec) self->perform(self->stopping_.time_passed());
    });
}

// Once the app has ended, each signal ends the present wait for the services, and a repeated one
// every wait.
void app_session::on_signal(int signal) {
    ++signals_got_;
    if (ended_) {
        waits_no_longer_ = signals_got_ > 1;
        connections_.stop_waiting();
        if (!connections_.has_services()) output_.drop_rest();
    } else if (terminal_.stops(signal, std::chrono::steady_clock::now())) {
        if (stopping_.started()) {
            perform(stopping_.escalate());
        } else {
            stop(stop_step::goodbye, stop_timeout());
        }
    }
}

void app_session::note_fault(const error& why) {
    result_.error = why.code();
    result_.text = why.what();
    emit({.kind = event_kind::refused, .pid = pid(), .code = why.code(), .text = why.context()});
}

}  // namespace remora::detail
