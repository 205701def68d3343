// SPDX-License-Identifier: MIT
// A server with apps that do harm: floods, what they leave behind, and what they do to its files.
#include "server/hostile_run.hpp"

namespace {

using namespace test;
using remora::errc;
using remora::stop_step;

TEST_CASE("ten thousand requests, of which no answer is read, cost little and end with the app") {
    for (const std::string words : {"flood", "flood of unknown names", "flood of patience"}) {
        CAPTURE(words);
        hostile_run r({words});
        const auto memory = memory_in_use();
        r.on_event = [&r](const remora::event& e) {
            if (e.kind == remora::event_kind::rejected && std::ssize(r.events) == 1500)
                r.run().terminate(20ms);
        };
        const auto result = r.finish();
        CHECK(result.stopped_by >= stop_step::sigterm);
        CHECK(!result.error);
        CHECK(memory_in_use() < memory + (64u << 20));
        CHECK(r.serves_the_next());
    }
}

TEST_CASE("a reference to what was not lent ends the connection, and the server lives on") {
    hostile_run r({"lends badly"});
    CHECK(r.finish().code() == 0);
    REQUIRE(r.failures.size() == 10);
    const std::string why[] = {
        "not within",           "not within", "not within",         "not within",
        "no such slot",         "overlaps",   "twice in one table", "a table of 0 loans",
        "a table of 257 loans", "stale"};
    for (std::size_t i = 0; i != r.failures.size(); ++i)
        CHECK_MESSAGE(has(r.failures[i], why[i]), r.failures[i]);
    CHECK(r.serves_the_next());
}

TEST_CASE("an app that sends frames to be passed over for ever does not keep the server busy") {
    for (const std::string words : {"skips for ever", "skips for ever on a pipe"}) {
        CAPTURE(words);
        hostile_run r({words});
        const bool on_pipe = has(words, "on a pipe");
        r.on_event = [&r, on_pipe](const remora::event& e) {
            using kind = remora::event_kind;
            if (e.kind == (on_pipe ? kind::connected : kind::hello)) r.run().terminate(50ms);
        };
        CHECK(r.finish().stopped_by == stop_step::sigterm);
        CHECK(r.serves_the_next());
    }
}

TEST_CASE("requests that a dead app has left behind are forgotten with it") {
    hostile_run r({"patience, then death"});
    r.server.serve("busy", [](remora::pipe) { return never(); });
    r.on_event = [&r](const remora::event& e) {
        if (e.kind == remora::event_kind::connected) r.await_death_of_app();
    };
    CHECK(r.finish().code() == 137);
    r.server.serve("late", echo_service);
    r.io.poll();
    CHECK(r.io.stopped());
    CHECK(r.serves_the_next());
}

TEST_CASE("what an app leaves in the directory goes with the run") {
    hostile_run r({"scribbles"});
    CHECK(r.finish().code() == 0);
    CHECK(r.serves_the_next());
}

TEST_CASE("an app that takes the names of its FIFOs away uses its pipe all the same") {
    for (const std::string words : {"unlinks everything", "takes the names after"}) {
        CAPTURE(words);
        hostile_run r({words});
        CHECK(r.finish().code() == 0);
        CHECK(r.count(remora::event_kind::connected) == 1);
        CHECK(r.failures.empty());
        CHECK(r.serves_the_next());
    }
}

TEST_CASE("a FIFO whose name is taken by the app is refused to it") {
    hostile_run r({"takes the names before"});
    const auto result = r.finish();
    CHECK(result.code() == static_cast<int>(errc::refused));
    CHECK(!result.error);
    CHECK(r.serves_the_next());
}

TEST_CASE("an app that becomes another program is followed, and can be stopped") {
    hostile_run r({"becomes another program"});
    r.stop_at_hello();
    const auto result = r.finish();
    CHECK(result.stopped_by == stop_step::sigterm);
    CHECK(result.code() == 143);
    CHECK(r.serves_the_next());
}

}  // namespace
