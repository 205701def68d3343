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
    switch (kind) {
        case exit_kind::exited:
            return value;
        case exit_kind::signalled:
            return 128 + value;
        case exit_kind::unknown:
            break;
    }
    return 125;
}

std::string to_string(const exit_status& status) {
    switch (status.kind) {
        case exit_kind::exited:
            return "exited with " + std::to_string(status.value);
        case exit_kind::signalled:
            return "killed by " + signal_name(status.value);
        case exit_kind::unknown:
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
