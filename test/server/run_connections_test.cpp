// SPDX-License-Identifier: MIT
// The connections of an app and the services on them, over both transports.
#include "support/runs.hpp"

#include <remora/service.hpp>

#include <asio/experimental/awaitable_operators.hpp>

#include <poll.h>

#include <filesystem>
#include <thread>

namespace {

using namespace test;
using remora::errc;

// Comes back when the app has said something more on the control pipe.
void await_word_of_app() {
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code ignored;
        const auto where = std::filesystem::read_symlink(entry.path(), ignored).string();
        if (where.find("control.up") == std::string::npos) continue;
        pollfd word{std::stoi(entry.path().filename()), POLLIN, 0};
        const auto most = std::chrono::duration_cast<std::chrono::milliseconds>(patience);
        CHECK(::poll(&word, 1, static_cast<int>(most.count())) == 1);
        return;
    }
    FAIL("no control pipe");
}

TEST_CASE("a name that is served right after the start is known, however fast the app is") {
    served_run r({"echo", "1"});
    r.on_event = [](const remora::event& e) {
        if (e.kind == remora::event_kind::hello) await_word_of_app();
    };
    r.server.serve("echo", echo_service);
    await_word_of_app();
    CHECK(r.finish().code() == 0);
    CHECK(r.is_clean());
}

TEST_CASE("connections that nobody accepts count, too") {
    remora::server_options options;
    options.max_connections = 4;
    served_run r({"hoards", "slow"}, options);
    asio::co_spawn(r.io, accept_one(r.server, "slow"), asio::detached);
    CHECK(r.finish().code() == 4);  // one was taken, three stand in line
}

TEST_CASE("handlers that are served under a name take what the app sends there") {
    served_run r({"leave", "2000"});
    std::int64_t count = 0;
    remora::service taking;
    taking.on([&count](number n) { CHECK(n.value == count++); });
    r.server.serve("take", taking);
    CHECK(r.finish().code() == 3);
    CHECK(count == 2000);
    CHECK(r.is_clean());
}

TEST_CASE("many connections go to one name") {
    served_run r({"many", "50"});
    r.server.serve("echo", echo_service);
    CHECK(r.finish().code() == 0);
    CHECK(r.is_clean());
}

TEST_CASE("an app that needs a newer server is told so when it connects") {
    const auto code_with = [](std::uint32_t version) {
        remora::server_options options;
        options.version = version;
        served_run r({"needs", "echo"}, options);
        r.server.serve("echo", echo_service);
        const int got = r.finish().code();
        CHECK(r.is_clean());
        return got;
    };
    CHECK(code_with(0) == static_cast<int>(errc::version_mismatch));
    CHECK(code_with(2) == static_cast<int>(errc::version_mismatch));
    CHECK(code_with(3) == 0);
    CHECK(code_with(4) == 0);
}

TEST_CASE("an app can list what its server serves, however much that is") {
    served_run r({"lists"});
    std::vector<std::string> served{"report"}, listed;
    for (int i = 0; i != 600; ++i)
        served.push_back(std::to_string(i) + std::string(100, '.'));
    for (const auto& name : served)
        r.server.serve(name, echo_service);
    r.server.serve("report", [&](remora::pipe p) -> asio::awaitable<void> {
        while (const auto name = co_await p.next<text>())
            listed.push_back(name->value);
    });
    CHECK(r.finish().code() == 0);
    std::ranges::sort(served);
    CHECK(listed == served);
    CHECK(r.is_clean());
}

TEST_CASE("an unknown name is no_such_pipe, an absurd one bad_name") {
    const auto code_for = [](const std::string& name) {
        served_run r({"connects", name});
        r.server.serve("echo", echo_service);
        return r.finish().code();
    };
    CHECK(code_for("echo") == 0);
    CHECK(code_for("nothing") == static_cast<int>(errc::no_such_pipe));
    for (const std::string bad : {"", "../x", "a\nb"}) {
        CHECK(code_for(bad) == static_cast<int>(errc::bad_name));
    }
    CHECK(code_for(std::string(1024, 'x')) == static_cast<int>(errc::bad_name));
}

TEST_CASE("an app may wait for a name that is served later") {
    served_run r({"waits_for_name"});
    int connections = 0;
    r.on_event = [&](const remora::event& e) {
        if (e.kind != remora::event_kind::hello) return;
        asio::post(r.io, [&] {
            r.server.serve("late", [&](remora::pipe) -> asio::awaitable<void> {
                ++connections;
                co_return;
            });
        });
    };
    CHECK(r.finish().code() == 0);
    CHECK(connections == 1);
}

TEST_CASE("a service that throws ends its connection, and the server lives") {
    served_run r({"uses", "bad"});
    r.server.serve("bad", [](remora::pipe p) -> asio::awaitable<void> {
        co_await p.receive<number>();
        throw std::runtime_error("out of order");
    });
    CHECK(r.finish().code() == static_cast<int>(errc::service_failed));
    REQUIRE(r.failures.size() == 1);
    CHECK(r.failures[0] == "bad: out of order");
    r.start({"echo", "1"});
    r.server.serve("echo", echo_service);
    CHECK(r.finish().code() == 0);
}

TEST_CASE("accept gives one pipe, and connections wait for it") {
    served_run r({"uses", "one"});
    asio::co_spawn(r.io, accept_one(r.server, "one"), asio::detached);
    CHECK(r.finish().code() == 0);
    CHECK(r.is_clean());
}

TEST_CASE("a name that is accepted in a coroutine is known, however fast the app is") {
    served_run r({"uses", "one"});
    r.on_event = [](const remora::event& e) {
        if (e.kind == remora::event_kind::hello) await_word_of_app();
    };
    asio::co_spawn(r.io, accept_one(r.server, "one"), asio::detached);
    await_word_of_app();
    CHECK(r.finish().code() == 0);
    CHECK(r.is_clean());
}

// Calls `then` after so many turns of the context.
void after_turns(asio::io_context& io, int turns, std::function<void()> then) {
    if (turns == 0) return then();
    asio::post(io, [&io, turns, then] { after_turns(io, turns - 1, then); });
}

asio::awaitable<void> wait_for_cancel(asio::steady_timer& timer) {
    std::error_code ec;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ec));
}

// Accepts one connection, at the second attempt if the first one was given up.
asio::awaitable<void> accept_or_give_up(remora::server& server, asio::steady_timer& given_up) {
    using namespace asio::experimental::awaitable_operators;
    auto taken = co_await (server.accept("one") || wait_for_cancel(given_up));
    if (taken.index() == 1) co_return co_await accept_one(server, "one");
    const auto n = co_await std::get<0>(taken).receive<number>();
    co_await std::get<0>(taken).send(n);
}

TEST_CASE("an accept that is cancelled while a connection is on its way to it loses none") {
    served_run r({"uses", "one"});
    asio::io_context elsewhere;  // nobody runs it before the server has done what it does
    std::thread thread;
    asio::steady_timer given_up(elsewhere, std::chrono::steady_clock::time_point::max());
    r.on_event = [&](const remora::event& e) {
        if (e.kind != remora::event_kind::connected) return;
        given_up.cancel();
        after_turns(r.io, 20, [&] { thread = std::thread([&] { elsewhere.run_for(patience); }); });
    };
    asio::co_spawn(elsewhere, accept_or_give_up(r.server, given_up), asio::detached);
    elsewhere.poll();
    CHECK(r.finish().code() == 0);
    thread.join();
}

}  // namespace
