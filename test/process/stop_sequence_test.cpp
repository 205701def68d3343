// SPDX-License-Identifier: MIT
#include "process/stop_sequence.hpp"

#include <signal.h>

#include "process/terminal_signals.hpp"
#include "support/support.hpp"

using namespace std::chrono_literals;
using remora::stop_step;
using remora::detail::stop_action;
using remora::detail::stop_sequence;
using remora::detail::terminal_signals;
using kind = stop_action::kind;

TEST_CASE("stopping takes its steps one after the other, each after its own time") {
    stop_sequence stop({.goodbye = 100ms, .sigterm = 200ms});
    CHECK(!stop.started());
    stop_action action = stop.start();
    CHECK(action.what == kind::say_goodbye);
    CHECK(action.then_wait == 100ms);
    action = stop.time_passed();
    CHECK(action.what == kind::send_signal);
    CHECK(action.signal == SIGTERM);
    CHECK(action.then_wait == 200ms);
    action = stop.time_passed();
    CHECK(action.what == kind::send_signal);
    CHECK(action.signal == SIGKILL);
    CHECK(!action.then_wait);
    CHECK(stop.exited().what == kind::done);
    CHECK(stop.last_step() == stop_step::sigkill);
}

TEST_CASE("the step that was the last before the app's end has stopped it") {
    stop_sequence by_itself({}), by_goodbye({}), by_sigterm({});
    by_itself.exited();
    CHECK(by_itself.last_step() == stop_step::none);
    by_goodbye.start();
    by_goodbye.exited();
    CHECK(by_goodbye.last_step() == stop_step::goodbye);
    by_sigterm.start();
    by_sigterm.time_passed();
    by_sigterm.exited();
    CHECK(by_sigterm.last_step() == stop_step::sigterm);
}

TEST_CASE("a second request takes the next step at once") {
    stop_sequence stop({.goodbye = 1h, .sigterm = 1h});
    CHECK(stop.escalate().what == kind::say_goodbye);
    CHECK(stop.escalate().signal == SIGTERM);
    CHECK(stop.escalate().signal == SIGKILL);
    CHECK(stop.escalate().what == kind::nothing);
}

TEST_CASE("the sequence may begin at a later step, or go ahead to it, but never back") {
    stop_sequence stop({});
    CHECK(stop.start(stop_step::sigterm).signal == SIGTERM);
    CHECK(stop.start(stop_step::goodbye).what == kind::nothing);
    CHECK(stop.start(stop_step::sigterm).what == kind::nothing);
    CHECK(stop.start(stop_step::sigkill).signal == SIGKILL);
    CHECK(stop.time_passed().what == kind::nothing);
    CHECK(stop.last_step() == stop_step::sigkill);
}

TEST_CASE("after the app's end there is nothing to do, whatever happens") {
    stop_sequence stop({});
    stop.start();
    stop.exited();
    CHECK(stop.time_passed().what == kind::done);
    CHECK(stop.escalate().what == kind::done);
    CHECK(stop.start(stop_step::sigkill).what == kind::done);
    CHECK(stop.exited().what == kind::done);
    CHECK(stop.last_step() == stop_step::goodbye);
}

TEST_CASE("a step of stopping has a text") {
    CHECK(to_string(stop_step::none) == "none");
    CHECK(to_string(stop_step::goodbye) == "goodbye");
    CHECK(to_string(stop_step::sigterm) == "SIGTERM");
    CHECK(to_string(stop_step::sigkill) == "SIGKILL");
}

TEST_CASE("the first SIGINT or SIGQUIT is left to the app, a second within two seconds stops it") {
    const terminal_signals::time_point now{};
    terminal_signals signals;
    CHECK(!signals.stops(SIGINT, now));
    CHECK(!signals.stops(SIGINT, now + 2001ms));
    CHECK(signals.stops(SIGQUIT, now + 4001ms));
    terminal_signals others;
    CHECK(!others.stops(SIGQUIT, now));
    CHECK(others.stops(SIGINT, now + 1ms));
}

TEST_CASE("SIGTERM and SIGHUP stop the app at once") {
    terminal_signals signals;
    CHECK(signals.stops(SIGTERM, {}));
    CHECK(signals.stops(SIGHUP, {}));
    CHECK(!signals.stops(SIGINT, {}));
    CHECK(signals.stops(SIGTERM, {}));
}

TEST_CASE("SIGINT and SIGQUIT stop at once an app that the terminal does not send them to") {
    terminal_signals signals(false);
    CHECK(signals.stops(SIGINT, {}));
    CHECK(signals.stops(SIGQUIT, {}));
}
