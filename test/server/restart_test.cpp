// SPDX-License-Identifier: MIT
// Apps that are started again.
#include "support/hosts.hpp"

#include <remora/all.hpp>
#include <remora/call.hpp>

namespace {

using namespace test;
using remora::errc;
using remora::event_kind;

remora::server_options restarting_after(std::chrono::nanoseconds delay, std::size_t limit = 5) {
    remora::server_options options;
    options.restart = {.first_delay = delay, .max_delay = delay, .limit = limit};
    return options;
}

std::vector<std::string> told(const served_run& r, event_kind kind) {
    std::vector<std::string> texts;
    for (const auto& e : r.events)
        if (e.kind == kind) texts.push_back(e.text);
    return texts;
}

// Gives each life its order: see the app's mode `obeys`.
asio::awaitable<void> give_orders(remora::pipe p, std::vector<std::int64_t> orders,
                                  std::vector<std::uint32_t>& lives) {
    lives.push_back(p.life());
    co_await p.send<number>(orders.at(p.life() - 1));
    co_await p.next<number>();
}

TEST_CASE("an app that fails is started again, and its services know which life they serve") {
    served_run r({"obeys"}, restarting_after(1ms));
    std::vector<std::uint32_t> lives;
    r.server.serve("orders", [&lives](remora::pipe p) {
        return give_orders(std::move(p), {-SIGKILL, 3, 0}, lives);
    });
    const auto result = r.finish();
    CHECK(result.status == exited(0));
    CHECK(result.restarts == 2);
    CHECK(lives == std::vector<std::uint32_t>{1, 2, 3});
    CHECK(told(r, event_kind::app_ended) ==
          std::vector<std::string>{"killed by SIGKILL (9)", "exited with 3", "exited with 0"});
    CHECK(told(r, event_kind::restarting) ==
          std::vector<std::string>{"in 1 ms, 1 of 5 restarts within 60000 ms",
                                   "in 1 ms, 2 of 5 restarts within 60000 ms"});
    CHECK(r.events.back().life == 3);
    CHECK(to_string(r.events.back()).find(" life 3") != std::string::npos);
    CHECK(r.run().pid() == r.events.back().pid);
    CHECK(r.is_clean());
}

TEST_CASE("an app that goes on failing is given up, and its last end is the result") {
    served_run r({"exit", "3"}, restarting_after(0ns, 2));
    const auto result = r.finish();
    CHECK(result.status == exited(3));
    CHECK(result.restarts == 2);
    CHECK(told(r, event_kind::restarting).size() == 2);
    CHECK(told(r, event_kind::gave_up) ==
          std::vector<std::string>{"after 2 restarts within 60000 ms"});
    CHECK(r.is_clean());
    r.start({"exit", "0"});
    CHECK(r.finish().restarts == 0);
}

// Notes how each of the questions fails that are put to the app.
asio::awaitable<void> ask(remora::pipe& p, std::int64_t value, std::vector<std::string>& failures) {
    try {
        co_await p.call<app_question>(value);
    } catch (const remora::remote_error& e) {
        failures.push_back(to_string(e.kind()) + ", life " + std::to_string(p.life()));
        CHECK(e.code() == code(errc::app_gone));
    }
}

TEST_CASE("calls that an app dies of fail once, as gone") {
    auto options = restarting_after(0ns, 1);
    options.drain_timeout = patience;
    served_run r({"dies_of_questions"}, options);
    std::vector<std::string> failures;
    r.server.serve("asks", [&](remora::pipe p) -> asio::awaitable<void> {
        co_await remora::all(ask(p, 1, failures), ask(p, 2, failures), ask(p, 3, failures));
    });
    CHECK(r.finish().status == signalled(SIGKILL));
    CHECK(failures == std::vector<std::string>{"gone, life 1", "gone, life 1", "gone, life 1",
                                               "gone, life 2", "gone, life 2", "gone, life 2"});
    CHECK(r.is_clean());
}

TEST_CASE("who accepts gets the connections of the next life") {
    served_run r({"vanish", "9"}, restarting_after(0ns, 1));
    std::vector<std::uint32_t> lives;
    const auto accept_twice = [&]() -> asio::awaitable<void> {
        for (int i = 0; i < 2; ++i) {
            auto p = co_await r.server.accept("echo");
            lives.push_back(p.life());
            const auto n = co_await p.receive<number>();
            co_await p.send(n);
        }
    };
    asio::co_spawn(r.io, accept_twice, asio::detached);
    CHECK(r.finish().status == signalled(SIGKILL));
    CHECK(lives == std::vector<std::uint32_t>{1, 2});
}

TEST_CASE("a stop during the delay ends the run at once, with the end of the last life") {
    served_run r({"exit", "3"}, restarting_after(1h));
    std::optional<remora::exit_status> ended;
    asio::co_spawn(r.io, r.run().exited(), [&](auto, auto status) { ended = status; });
    run_until(r.io, [&] { return !told(r, event_kind::restarting).empty(); });
    r.io.poll();
    CHECK(!ended);
    r.run().terminate();
    const auto result = r.finish();
    CHECK(result.status == exited(3));
    CHECK(result.stopped_by == remora::stop_step::none);
    CHECK(result.restarts == 0);
    CHECK(ended == exited(3));
    CHECK(r.is_clean());
}

TEST_CASE("a stop as the next life begins stops that") {
    served_run r({"obeys"}, restarting_after(0ns));
    std::vector<std::uint32_t> lives;
    r.on_event = [&](const remora::event& e) {
        if (e.kind == event_kind::started && e.life == 2) r.run().kill();
    };
    r.server.serve("orders",
                   [&lives](remora::pipe p) { return give_orders(std::move(p), {3, 3}, lives); });
    const auto result = r.finish();
    CHECK(result.status == signalled(SIGKILL));
    CHECK(result.restarts == 1);
    CHECK(r.is_clean());
}

TEST_CASE("a stop signal during the delay ends the run") {
    for (const int signal : {SIGTERM, SIGINT}) {
        host h({"restart=3600000"}, {"exit", "3"});
        CHECK(h.line_with("restarting").starts_with("restarting pid "));
        h.kill(signal);
        CHECK(h.line_with("result") == "result: exited with 3, stopped by none");
        CHECK(h.end() == exited(3));
    }
}

TEST_CASE("an app that fails after Ctrl-C, or is stopped, is not started again") {
    host h({"restart=0"}, {"waits"});
    const std::string started = h.line_with("started pid ");
    CHECK(h.line_with("message") == "message");
    h.kill(SIGINT);
    h.kill(SIGUSR1);
    CHECK(h.line_with("here") == "here");
    ::kill(std::atoi(started.c_str() + 12), SIGKILL);
    CHECK(h.line_with("result") == "result: killed by SIGKILL (9), stopped by none");
    CHECK(h.end() == exited(137));

    host other({"restart=0"}, {"waits"});
    CHECK(result_after(other, {SIGTERM}) == "result: exited with 143, stopped by goodbye");
}

TEST_CASE("an app that the server had to stop is not started again") {
    auto options = restarting_after(0ns);
    options.start_timeout = 20ms;
    options.stop_timeout = 20ms;
    served_run r({"mute"}, options);
    const auto result = r.finish();
    CHECK(result.error == code(errc::start_timeout));
    CHECK(result.restarts == 0);
    CHECK(r.is_clean());
}

TEST_CASE("a restart that fails is told of, and tried again") {
    const scratch directory;
    const auto target = directory.path / "app";
    const auto elsewhere = directory.path / "elsewhere";
    std::filesystem::create_symlink(REMORA_TEST_APP, target);
    auto options = restarting_after(0ns);
    options.target = target;
    served_run r({"obeys"}, options);
    // It is away at the first attempt.
    r.on_event = [&, count = 0](const remora::event& e) mutable {
        if (e.kind != event_kind::restarting || ++count > 2) return;
        std::filesystem::rename(e.code ? elsewhere : target, e.code ? target : elsewhere);
    };
    std::vector<std::uint32_t> lives;
    r.server.serve("orders",
                   [&lives](remora::pipe p) { return give_orders(std::move(p), {3, 0}, lives); });
    const auto result = r.finish();
    CHECK(result.status == exited(0));
    CHECK(result.restarts == 1);
    CHECK(!result.error);
    const auto texts = told(r, event_kind::restarting);
    REQUIRE(texts.size() == 3);
    CHECK(texts[1].find("it does not exist") != std::string::npos);
    CHECK(r.is_clean());
}

TEST_CASE("a server that goes during the delay leaves nothing") {
    const auto before = open_descriptors();
    {
        served_run r({"exit", "3"}, restarting_after(1h));
        run_until(r.io, [&] { return !told(r, event_kind::restarting).empty(); });
    }
    CHECK(run_directories() == 0);
    CHECK(open_descriptors() == before);
}

}  // namespace
