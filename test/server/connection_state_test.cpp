// SPDX-License-Identifier: MIT
// Services that a function makes for each connection, and what it is told.
#include "support/calls.hpp"
#include "support/runs.hpp"

#include <algorithm>

namespace {

using namespace test;
using remora::connection_info;
using remora::errc;
using remora::event_kind;
using remora::service;

std::ptrdiff_t count_of(const served_run& r, event_kind kind) {
    return std::ranges::count(r.events, kind, &remora::event::kind);
}

TEST_CASE("each connection has a state of its own, which goes before its end is told") {
    std::atomic<int> living = 0;
    std::vector<connection_info> told;
    served_run r({"totals", "5"});
    r.server.serve("totals", [&](connection_info who) {
        told.push_back(who);
        return session::serve(living);
    });
    r.on_event = [&](const remora::event& e) {
        if (e.kind == event_kind::closed) CHECK(living == 5 - count_of(r, event_kind::closed));
    };
    CHECK(r.finish().code() == 0);
    CHECK(count_of(r, event_kind::closed) == 5);
    CHECK(living == 0);
    REQUIRE(told.size() == 5);
    for (std::uint64_t id = 1; const auto& who : told) {
        CHECK(who.name == "totals");
        CHECK(who.id == id++);
        CHECK(who.pid == r.run().pid());
        CHECK(who.uid == ::geteuid());
    }
    CHECK(r.is_clean());
}

TEST_CASE("behind a launcher that forks, a connection is the app's") {
    remora::server_options options;
    options.launcher = {"sh", "-c", "\"$@\"; exit $?", "sh"};
    std::atomic<int> living = 0;
    int pid = 0;
    served_run r({"totals", "1"}, options);
    r.server.serve("totals", [&](connection_info who) {
        pid = who.pid;
        return session::serve(living);
    });
    CHECK(r.finish().code() == 0);
    const auto hello = std::ranges::find(r.events, event_kind::hello, &remora::event::kind);
    REQUIRE(hello != r.events.end());
    CHECK(pid == hello->pid);
    CHECK(pid != r.run().pid());
    CHECK(r.is_clean());
}

TEST_CASE("the state of a connection lives until its last handler has ended") {
    std::atomic<int> living = 0;
    served_run r({"dies_in_call"});
    r.server.serve("totals", [&](connection_info) { return session::serve(living); });
    bool closed = false;
    r.on_event = [&](const remora::event& e) {
        if (e.kind != event_kind::closed) return;
        closed = true;
        CHECK(living == 0);
    };
    CHECK(r.finish().code() == 137);
    CHECK(closed);
    CHECK(r.is_clean());
}

struct rejection {
    int code = 0;
    std::string text;
};

// What the app is told when the function throws this; then that the server lives.
rejection told_of(const std::function<void()>& thrower, errc event_code) {
    rejection told;
    remora::server_options options;
    options.standard_error = [&](std::string_view line) { told.text += line; };
    served_run r({"connects", "bad"}, options);
    r.server.serve("bad", [&](connection_info) {
        thrower();
        return service();
    });
    r.server.serve("echo", echo_service);
    told.code = r.finish().code();
    REQUIRE(count_of(r, event_kind::service_failed) == 1);
    const auto failed =
        std::ranges::find(r.events, event_kind::service_failed, &remora::event::kind);
    CHECK(failed->pipe == "bad");
    CHECK(failed->connection == 1);
    const auto rejected = std::ranges::find(r.events, event_kind::rejected, &remora::event::kind);
    REQUIRE(rejected != r.events.end());
    CHECK(rejected->code == event_code);
    CHECK(r.failures == std::vector{"bad: " + failed->text});
    r.start({"echo", "1"});
    CHECK(r.finish().code() == 0);
    CHECK(r.is_clean());
    return told;
}

TEST_CASE("a function that throws rejects its connection, and the server lives") {
    const auto failed =
        told_of([] { throw std::runtime_error("out of order"); }, errc::service_failed);
    CHECK(failed.code == static_cast<int>(errc::service_failed));
    CHECK(failed.text.find("connect to \"bad\": \"out of order\"") != std::string::npos);

    const auto full = told_of([] { throw std::system_error(errc::overloaded, "no desk is free"); },
                              errc::overloaded);
    CHECK(full.code == static_cast<int>(errc::overloaded));
    CHECK(full.text.find("no desk is free") != std::string::npos);

    const auto denied =
        told_of([] { throw std::system_error(EACCES, std::generic_category(), "the file"); },
                errc::service_failed);
    CHECK(denied.code == static_cast<int>(errc::service_failed));
    CHECK(denied.text.find("the file: Permission denied") != std::string::npos);
}

TEST_CASE("the function may have its name served by another one") {
    std::atomic<int> living = 0;
    served_run r({"totals", "3"});
    int calls = 0;
    r.server.serve("totals", [&](connection_info) {
        ++calls;
        r.server.serve("totals", session::serve(living));
        return session::serve(living);
    });
    CHECK(r.finish().code() == 1);  // the others have one sum
    CHECK(calls == 1);
    CHECK(r.is_clean());
}

TEST_CASE("no function at all is bad_option") {
    asio::io_context io;
    remora::server server(io, {.target = REMORA_TEST_APP});
    CHECK(failure_of([&] { server.serve("none", remora::server::service_maker()); }).code ==
          code(errc::bad_option));
}

}  // namespace
