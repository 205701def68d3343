// SPDX-License-Identifier: MIT
// Calls that are made while one is served, by handlers of the same pipe.
#include "support/calls.hpp"
#include "support/pairs.hpp"

#include <remora/pipe.hpp>

#include <asio/experimental/awaitable_operators.hpp>

#include <thread>

using namespace test;

namespace {

using namespace asio::experimental::awaitable_operators;
using remora::errc;
using remora::failure_kind;
using remora::generator;
using remora::pipe;
using remora::service;

/// Answered with how many calls it took: its handler calls back, so many times.
struct nest {
    using reply = sum;
    std::int32_t depth = 0;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(depth);
    }
};

/// The same, asked for as a stream of one number.
struct nest_in_stream {
    using reply = remora::stream<number>;
    std::int32_t depth = 0;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(depth);
    }
};

asio::awaitable<sum> call_back(pipe& p, nest n) {
    co_await settle();
    if (n.depth == 0) co_return sum{0};
    const nest next{n.depth - 1};
    const auto below = co_await p.call(next);
    co_return sum{below.value + 1};
}

generator<number> call_back_in_stream(pipe& p, nest_in_stream n) {
    const nest next{n.depth - 1};
    const auto below = co_await p.call(next);
    co_yield remora::item<number>(below.value + 1);
}

service nesting(pipe& p, std::size_t window) {
    service s({.max_in_flight = window});
    s.on([&p](nest n) { return call_back(p, n); });
    s.on([&p](nest_in_stream n) { return call_back_in_stream(p, n); });
    return s;
}

/// How calls of a depth have ended.
struct endings {
    int answered = 0, overloaded = 0, other = 0;
};

asio::awaitable<void> call_nested(pipe& p, std::int32_t depth, endings& all) {
    const nest n{depth};
    const auto failure = co_await failure_of(p.call(n));
    ++(!failure.code                      ? all.answered
       : failure.code == errc::overloaded ? all.overloaded
                                          : all.other);
}

asio::awaitable<endings> call_at_once(pipe& p, int calls, std::int32_t depth) {
    endings all;
    std::vector<background> running;
    for (int i = 0; i != calls; ++i)
        running.emplace_back(p.get_executor(), call_nested(p, depth, all));
    for (auto& each : running)
        co_await each.result();
    co_return all;
}

TEST_CASE("calls that call back all end, at every window and depth") {
    for (const std::size_t window : {1, 2, 8, 64}) {
        test::run([window](asio::io_context& io) -> asio::awaitable<void> {
            auto [near, far] = remora::make_pipe_pair(io);
            near.attach(nesting(near, window));
            far.attach(nesting(far, window));
            for (const int depth : {1, 2, 3, 8}) {
                const int calls = static_cast<int>(2 * window);
                const auto all = co_await call_at_once(near, calls, depth);
                CAPTURE(window);
                CAPTURE(depth);
                CHECK(all.answered + all.overloaded == calls);
                CHECK(all.other == 0);
                if (depth == 1) CHECK(all.answered == calls);
            }
            CHECK(near.counts().calls == 0);
            CHECK(far.counts().running_handlers == 0);
        });
    }
}

TEST_CASE("as many calls again may be made while serving as the window has") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        auto [near, far] = remora::make_pipe_pair(io);
        near.attach(nesting(near, 4));
        far.attach(nesting(far, 4));
        const auto all = co_await call_at_once(near, 4, 3);
        CHECK(all.answered == 4);
        const nest_in_stream q{2};
        auto numbers = co_await near.stream(q);
        const auto n = co_await numbers.next();
        REQUIRE(n);
        CHECK(n->value == 2);
    });
}

asio::awaitable<void> nest_on_strand(pipe near, pipe far, endings& all) {
    near.attach(nesting(near, 2));
    far.attach(nesting(far, 2));
    all = co_await call_at_once(near, 20, 3);
}

TEST_CASE("calls that call back on a strand which several threads run are all answered") {
    asio::io_context io;
    endings all;
    {
        auto [near, far] = remora::make_pipe_pair(asio::make_strand(io));
        const auto strand = near.get_executor();
        asio::co_spawn(strand, nest_on_strand(std::move(near), std::move(far), all),
                       asio::detached);
    }
    std::jthread other([&] { io.run_for(patience); });
    io.run_for(patience);
    other.join();
    CHECK(io.stopped());
    CHECK(all.answered == 20);  // of two at once, each needs two calls in each direction
}

asio::awaitable<sum> call_twice_back(pipe& p, nest n) {
    if (n.depth == 0) co_return sum{1};
    const auto both = co_await (p.call<nest>(n.depth - 1) && p.call<nest>(n.depth - 1));
    co_return sum{std::get<0>(both).value + std::get<1>(both).value};
}

TEST_CASE("calls that a handler makes beside each other are made while serving") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        auto [near, far] = remora::make_pipe_pair(io);
        for (pipe* const p : {&near, &far}) {
            service s({.max_in_flight = 3});
            s.on([p](nest n) { return call_twice_back(*p, n); });
            p->attach(s);
        }
        const auto four = co_await near.call<nest>(2);
        CHECK(four.value == 4);
        const auto failure = co_await failure_of(near.call<nest>(8));
        CHECK(failure.code);
        while (near.counts().calls + near.counts().running_handlers != 0)
            co_await settle();
    });
}

TEST_CASE("a handler's executor is no other for what it does") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        service s;
        s.on([](add q) -> asio::awaitable<sum> {
            const auto executor = co_await asio::this_coro::executor;
            asio::steady_timer timer(executor, 1us);
            co_await timer.async_wait(asio::use_awaitable);
            co_await asio::post(executor, asio::use_awaitable);
            co_await asio::dispatch(executor, asio::use_awaitable);
            co_await asio::defer(executor, asio::use_awaitable);
            co_return sum{q.a + q.b};
        });
        far.attach(s);
        for (int i = 0; i != 10; ++i) {
            const auto answer = co_await near.call<add>(i, 1);
            CHECK(answer.value == i + 1);
        }
    });
}

}  // namespace
