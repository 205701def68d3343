// SPDX-License-Identifier: MIT
// What a newcomer gets wrong, and is told of.
#include "support/calls.hpp"
#include "support/hosts.hpp"

#include <remora/service.hpp>

namespace {

using namespace test;
using remora::event_kind;

// A run, and the lines that its app writes on stderr.
class told_run {
public:
    explicit told_run(std::vector<std::string> arguments)
        : run(std::move(arguments),
              {.target = REMORA_TEST_APP,
               .standard_error = [this](std::string_view line) { lines.emplace_back(line); }}) {}

    std::vector<std::string> lines;
    served_run run;
};

remora::service desk() {
    return remora::service().on([](app_question q) { return number{q.value}; });
}

std::vector<std::string> texts_told(const served_run& r, event_kind kind) {
    std::vector<std::string> texts;
    for (const remora::event& e : r.events)
        if (e.kind == kind) texts.push_back(to_string(e));
    return texts;
}

// A message, and then what serves.
asio::awaitable<void> greet(remora::pipe p) {
    co_await p.send<text>("hello");
    co_await p.send<text>("hello");
    co_await p.serve(desk());
}

TEST_CASE("a message that nothing takes is told of by who receives it, once for a type") {
    told_run r({"sends_wrongly"});
    r.run.server.serve("desk", desk());
    r.run.server.serve("greeter", greet);
    CHECK(r.run.finish().code() == 0);
    CHECK(texts_told(r.run, event_kind::message_dropped) ==
          std::vector<std::string>{
              "message dropped pipe \"desk\" #1: \"app_question\" was sent by send(); its handler "
              "here is for calls: use call()",
              "message dropped pipe \"desk\" #1: \"text\" was sent by send(); no handler here "
              "takes it: add one that returns nothing"});
    CHECK(r.lines == std::vector<std::string>{
                         "remora: message dropped pipe \"greeter\" #2: \"text\" has come as a "
                         "message; no service is attached here to take it"});
    CHECK(r.run.is_clean());
}

TEST_CASE("who asks for an unknown name is told the names that are served") {
    for (const auto& [served, words] : std::map<std::vector<std::string>, std::string>{
             {{}, "nothing"},
             {{"maths"}, "maths"},
             {{"i", "h", "g", "f", "e", "d", "c", "b", "a", "\xff"},
              "a, b, c, d, e, f, g, h and 2 more"},
             {{std::string(128, 'x'), "\"\xff", std::string(100, 'z')},
              "\\\"\\xff, " + std::string(128, 'x') + " and 1 more"}}) {
        told_run r({"connects", "mahts"});
        for (const std::string& name : served)
            r.run.server.serve(name, echo_service);
        CHECK(r.run.finish().code() == static_cast<int>(remora::errc::no_such_pipe));
        CHECK(r.lines == std::vector<std::string>{
                             "connect to \"mahts\": \"the server does not serve it; it serves " +
                             words + "\": no such pipe"});
    }
}

TEST_CASE("the reason of an event is told once") {
    served_run r({"vanish", "9"});
    r.server.serve("echo", echo_service);
    r.finish();
    CHECK(texts_told(r, event_kind::closed) ==
          std::vector<std::string>{
              "closed pipe \"echo\" #1: the app is gone (it left without closing the pipe)"});
    CHECK(to_string(remora::event{.kind = event_kind::restarting,
                                  .code = remora::errc::timed_out,
                                  .text = "start: timed out"}) == "restarting: timed out (start)");
    CHECK(to_string(remora::event{
              .kind = event_kind::closed, .code = remora::errc::timed_out, .text = "timed out"}) ==
          "closed: timed out");
}

TEST_CASE("client.run is called once, and says so") {
    told_run r({"codes_again", "0"});
    r.run.server.serve("echo", echo_service);
    CHECK(r.run.finish().code() == 70);
    REQUIRE(r.lines.size() == 1);
    CHECK_MESSAGE(r.lines[0].find("client.run() may be called once") != std::string::npos,
                  r.lines[0]);
}

TEST_CASE("a service that sends when the app has closed the pipe has not failed") {
    served_run r({"connects", "flood"});
    r.server.serve("flood", [](remora::pipe p) -> asio::awaitable<void> {
        for (const std::string words(1000, 'x');;)
            co_await p.send<text>(words);
    });
    CHECK(r.finish().code() == 0);
    CHECK(r.failures.empty());
    CHECK(texts_told(r, event_kind::service_failed).empty());
    CHECK(texts_told(r, event_kind::closed).size() == 1);
}

TEST_CASE("a service that sends on a pipe that it has moved from has failed") {
    served_run r({"echo", "1"});
    r.server.serve("echo", [](remora::pipe p) -> asio::awaitable<void> {
        const auto other = std::move(p);
        co_await p.send<number>(1);
    });
    CHECK(r.finish().code() == 70);
    CHECK(r.failures.size() == 1);
}

TEST_CASE("a service that has closed the pipe, and goes on, has failed") {
    served_run r({"connects", "short"});
    r.server.serve("short", [](remora::pipe p) -> asio::awaitable<void> {
        co_await p.close();
        co_await p.send<text>("more");
    });
    CHECK(r.finish().code() == 0);
    CHECK(r.failures.size() == 1);
}

TEST_CASE("what a service_maker throws does not say its code twice to the app") {
    told_run r({"connects", "full"});
    r.run.server.serve("full", [](const remora::connection_info&) -> remora::service {
        throw remora::error(remora::errc::overloaded, "no seat");
    });
    CHECK(r.run.finish().code() == static_cast<int>(remora::errc::overloaded));
    CHECK(r.lines == std::vector<std::string>{
                         "connect to \"full\": \"no seat\": overloaded, try again later"});
}

TEST_CASE("an app that ends without a hello is told of as one that perhaps is no app") {
    for (const std::string code : {"0", "3"}) {
        served_run r({"exit", code});
        const auto result = r.finish();
        CHECK(result.text.starts_with("the app exited with " + code + " before it said hello"));
        CHECK(!result.error);
        CHECK(r.events.back().text == "exited with " + code + " before it said hello");
    }
    host h({"runs"}, {"exit", "0"});
    CHECK(h.end() == exited(0));
    CHECK(h.errors().starts_with("remora: the app exited with 0 before it said hello: does it"));
}

TEST_CASE("an app that ends right after its hello, or is stopped before it, is none of those") {
    served_run good({"echo", "1"});
    good.server.serve("echo", echo_service);
    CHECK(good.finish().text.empty());
    served_run mute({"mute"});
    mute.run().terminate(10ms);
    CHECK(mute.finish().text.empty());
}

}  // namespace
