// SPDX-License-Identifier: MIT
// The default time limit of calls, in the options of servers, clients and connections.
#include "support/calls.hpp"
#include "support/runs.hpp"

#include <remora/client.hpp>

namespace {

using namespace test;
using remora::errc;

remora::service telling_time() {
    return remora::service().on(tell_time);
}

// What the app finds: of its own calls, or of the server's.
int hours_of_app(const std::string& client, const std::string& connection) {
    served_run r({"asks_hours", client, connection});
    r.server.serve("time", telling_time());
    const int hours = r.finish().code();
    CHECK(r.is_clean());
    return hours;
}

remora::server_options options_with(std::chrono::nanoseconds call_timeout) {
    remora::server_options options;
    options.call_timeout = call_timeout;
    return options;
}

int hours_of_server(std::chrono::nanoseconds server, remora::serve_options connection) {
    served_run r({"asks_hours", "0", "0", "of server"}, options_with(server));
    r.server.serve("time", telling_time(), connection);
    const int hours = r.finish().code();
    CHECK(r.is_clean());
    return hours;
}

TEST_CASE("calls of an app have the time limit of its connection, or else of its client") {
    CHECK(hours_of_app("0", "0") == 0);
    CHECK(hours_of_app("2", "0") == 2);
    CHECK(hours_of_app("2", "3") == 3);
    CHECK(hours_of_app("0", "3") == 3);
}

TEST_CASE("calls of a server have the time limit of the service, or else of the server") {
    const auto none = std::chrono::nanoseconds::max();
    CHECK(hours_of_server(none, {}) == 0);
    CHECK(hours_of_server(2h, {}) == 2);
    CHECK(hours_of_server(2h, {.call_timeout = 3h}) == 3);
    CHECK(hours_of_server(2h, {.call_timeout = none}) == 0);
}

asio::awaitable<void> accept_and_tell(remora::server& server) {
    auto p = co_await server.accept("time");
    co_await p.serve(telling_time());
}

TEST_CASE("calls on a pipe that was accepted have the time limit of the server") {
    served_run r({"asks_hours", "0", "0", "of server"}, options_with(2h));
    asio::co_spawn(r.io, accept_and_tell(r.server), asio::detached);
    CHECK(r.finish().code() == 2);
    CHECK(r.is_clean());
}

TEST_CASE("a call_timeout with which every call would fail is bad_option") {
    for (const std::chrono::nanoseconds bad : {0ns, -1ns}) {
        asio::io_context io;
        remora::server server(io, {.target = REMORA_TEST_APP, .call_timeout = bad});
        const auto at_start = failure_of([&] { server.start(); });
        CHECK(at_start.code == code(errc::bad_option));
        CHECK(at_start.has("call_timeout is "));
        CHECK(failure_of([&] { server.serve("a", telling_time(), {.call_timeout = bad}); }).code ==
              code(errc::bad_option));
        int argc = 0;
        const auto of_client = failure_of(
            [&] { const remora::client client(io, argc, nullptr, {.call_timeout = bad}); });
        CHECK(of_client.code == code(errc::bad_option));
    }
    CHECK(hours_of_app("0", "-1") == static_cast<int>(errc::bad_option));
}

}  // namespace
