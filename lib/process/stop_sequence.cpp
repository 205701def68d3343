// SPDX-License-Identifier: MIT
#include "process/stop_sequence.hpp"

#include <signal.h>

namespace remora::detail {

stop_action stop_sequence::start(stop_step first) {
    if (exited_) return {stop_action::kind::done};
    return first > step_ ? enter(first) : stop_action{};
}

stop_action stop_sequence::time_passed() {
    return escalate();
}

stop_action stop_sequence::escalate() {
    switch (step_) {
        case stop_step::none:
            return start(stop_step::goodbye);
        case stop_step::goodbye:
            return start(stop_step::sigterm);
        case stop_step::sigterm:
        case stop_step::sigkill:
            break;
    }
    return start(stop_step::sigkill);
}

stop_action stop_sequence::exited() {
    exited_ = true;
    return {stop_action::kind::done};
}

stop_action stop_sequence::enter(stop_step step) {
    step_ = step;
    switch (step) {
        case stop_step::none:
            break;
        case stop_step::goodbye:
            return {stop_action::kind::say_goodbye, 0, times_.goodbye};
        case stop_step::sigterm:
            return {stop_action::kind::send_signal, SIGTERM, times_.sigterm};
        case stop_step::sigkill:
            return {stop_action::kind::send_signal, SIGKILL, {}};
    }
    return {};
}

}  // namespace remora::detail
