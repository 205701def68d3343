// SPDX-License-Identifier: MIT
#include "process/restart_schedule.hpp"

#include "support/support.hpp"

namespace {

using namespace std::chrono_literals;
using remora::errc;
using remora::detail::restart_schedule;

const restart_schedule::time_point start{};

TEST_CASE("the delay of a restart grows with those before it, up to a maximum") {
    restart_schedule schedule(
        {.first_delay = 100ms, .factor = 3, .max_delay = 1s, .limit = 5, .window = 1min});
    auto now = start;
    for (const auto delay : {100ms, 300ms, 900ms, 1000ms, 1000ms})
        CHECK(schedule.next(now += 1s) == delay);
    CHECK(schedule.in_window() == 5);
    CHECK(!schedule.next(now += 1s));
}

TEST_CASE("restarts that are older than the window do not count") {
    restart_schedule schedule({.limit = 2, .window = 10s});
    CHECK(schedule.next(start) == 100ms);
    CHECK(schedule.next(start + 9s) == 200ms);
    CHECK(!schedule.next(start + 9s));
    CHECK(schedule.next(start + 10s) == 200ms);
    CHECK(!schedule.next(start + 18s));
    CHECK(schedule.next(start + 30s) == 100ms);
}

TEST_CASE("a delay is never more than the maximum, however many restarts there were") {
    restart_schedule schedule({.factor = 1e100, .limit = 100});
    schedule.next(start);
    for (int i = 1; i < 100; ++i)
        CHECK(schedule.next(start) == 10s);
    restart_schedule none({.first_delay = 0ns, .factor = 1e300, .limit = 9});
    for (int i = 0; i < 9; ++i)
        CHECK(none.next(start) <= 10s);
}

TEST_CASE("restart options that make no sense are refused") {
    const auto failure_with = [](const remora::restart_options& options) {
        return test::failure_of([&] { restart_schedule schedule(options); });
    };
    CHECK(failure_with({.factor = 0.5}).code == test::code(errc::bad_option));
    CHECK(failure_with({.factor = 0.0 / 0.0}).code == test::code(errc::bad_option));
    CHECK(failure_with({.first_delay = -1ns}).has("restart: a delay below 0"));
    CHECK(failure_with({.max_delay = -1ns}).has("restart: a delay below 0"));
}

}  // namespace
