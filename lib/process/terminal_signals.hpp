// SPDX-License-Identifier: MIT
/// Which signals of the server stop the app.
#pragma once

#include <signal.h>

#include <chrono>
#include <optional>

namespace remora::detail {

/// The terminal's Ctrl-C and Ctrl-\ reach server and app alike. The app decides what they mean, as
/// under time(1) and sudo(1); the server follows its end. A second one within two seconds is meant
/// for the server, too, and so is every SIGTERM and SIGHUP. Where the app is in another group, the
/// terminal does not reach it, and each of them is meant for the server.
class terminal_signals {
public:
    using time_point = std::chrono::steady_clock::time_point;

    explicit terminal_signals(bool reach_app = true) : reach_app_(reach_app) {}

    /// Whether this signal starts the stop sequence (or escalates it, if it has started).
    bool stops(int signal, time_point now) {
        if (!reach_app_ || (signal != SIGINT && signal != SIGQUIT)) return true;
        const bool second = last_ && now - *last_ <= std::chrono::seconds(2);
        last_ = now;
        return second;
    }

private:
    bool reach_app_;
    std::optional<time_point> last_;
};

}  // namespace remora::detail
