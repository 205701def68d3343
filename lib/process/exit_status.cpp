// SPDX-License-Identifier: MIT
#include <remora/process.hpp>

#include <cstring>

namespace remora {

namespace {

std::string signal_name(int number) {
    // Real-time signals have no name.
    const char* name = ::sigabbrev_np(number);
    return name ? "SIG" + std::string(name) + " (" + std::to_string(number) + ")"
                : "signal " + std::to_string(number);
}

}  // namespace

int exit_status::code() const {
    switch (how) {
        case kind::exited:
            return value;
        case kind::signalled:
            return 128 + value;
        case kind::unknown:
            break;
    }
    return 125;
}

std::string to_string(const exit_status& status) {
    switch (status.how) {
        case exit_status::kind::exited:
            return "exited with " + std::to_string(status.value);
        case exit_status::kind::signalled:
            return "killed by " + signal_name(status.value);
        case exit_status::kind::unknown:
            break;
    }
    return "ended, its status is unknown";
}

std::string to_string(stop_step step) {
    switch (step) {
        case stop_step::none:
            return "none";
        case stop_step::goodbye:
            return "goodbye";
        case stop_step::sigterm:
            return "SIGTERM";
        case stop_step::sigkill:
            return "SIGKILL";
    }
    return "?";
}

}  // namespace remora
