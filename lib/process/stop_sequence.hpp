// SPDX-License-Identifier: MIT
/// How an app is stopped: goodbye, SIGTERM, SIGKILL, each after its own time. Logic only: the
/// caller does what it is told, waits as long as it is told, and reports what happened.
#pragma once

#include <chrono>

#include <remora/process.hpp>

namespace remora::detail {

/// How long the app gets after each step before the next one is taken.
struct stop_times {
    std::chrono::milliseconds goodbye{1000};
    std::chrono::milliseconds sigterm{1000};
};

/// What to do now, and when to call `time_passed` unless another event comes before.
struct stop_action {
    enum class kind {
        nothing,      ///< Go on waiting as before; the time runs on.
        say_goodbye,  ///< On the control pipe.
        send_signal,  ///< `signal`, to the app.
        done,         ///< The app has ended. Every later event gets this, too.
    };
    kind what = kind::nothing;
    int signal = 0;
    /// None: until the app ends.
    std::optional<std::chrono::milliseconds> then_wait = {};
};

class stop_sequence {
public:
    explicit stop_sequence(stop_times times) : times_(times) {}

    /// Begins, or goes ahead to a later step; never back, and no step twice. `first` is `sigterm`
    /// where no goodbye can be said, `sigkill` to have it over.
    stop_action start(stop_step first = stop_step::goodbye);
    /// The time of the last step is over.
    stop_action time_passed();
    /// The stop was requested again: do not wait for the time of this step to pass.
    stop_action escalate();
    /// The app has ended.
    stop_action exited();

    bool started() const { return step_ != stop_step::none; }
    /// The last step that was taken before the app ended.
    stop_step last_step() const { return step_; }

private:
    stop_action enter(stop_step step);

    stop_times times_;
    stop_step step_ = stop_step::none;
    bool exited_ = false;
};

}  // namespace remora::detail
