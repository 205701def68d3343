// SPDX-License-Identifier: MIT
// Whatever an operation starts has ended when the operation has.
#include "call/scene.hpp"
#include "support/pairs.hpp"

#include <remora/pipe.hpp>

using namespace test;

namespace {

using remora::call_options;
using remora::pipe;
using remora::service;

TEST_CASE("handlers have ended when the service has") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        scene one, many;
        far.attach(service()
                       .on([&one](wait_for_ever) -> asio::awaitable<sum> {
                           co_await until_cancelled(one);
                           co_return sum{};
                       })
                       .on([&many](count_up) { return stuck(many); }));
        auto items = co_await near.stream<count_up>(2);
        background call(co_await asio::this_coro::executor, near.call<wait_for_ever>());
        while (!one.is_used || many.turns != 0 || !many.is_used)
            co_await settle();
        co_await near.close();
        co_await far.finished();
        one.is_over = many.is_over = true;
        check_ended(one);
        check_ended(many);
        const auto failed = co_await call.result();
        CHECK(failed.code == code(remora::errc::closed));
    });
}

asio::awaitable<void> watch(pipe& near, call_options how) {
    auto items = co_await near.stream<count_up>(how, 2);
    while (const auto n = co_await items.next()) {
    }
}

TEST_CASE("a stream fails when its time has passed") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        scene s;
        far.attach(service().on([&s](count_up) { return stuck(s); }));
        const auto failed = co_await failure_of(watch(near, {.timeout = 5ms}));
        CHECK(failed.code == code(remora::errc::timed_out));
        CHECK(failed.has("count_up: no end of the stream within 5 ms"));
        co_await near.close();
        co_await far.finished();
        CHECK(!s.is_used);
    });
}

// As if a test threw out of io.run(): after so many steps everything goes, the pipes before the
// context or after it.
void die_after(int steps, bool on_strand, bool pipes_first) {
    scene up, down;
    asio::io_context io;
    const asio::any_io_executor executor =
        on_strand ? asio::any_io_executor(asio::make_strand(io)) : io.get_executor();
    auto [near, far] = remora::make_pipe_pair(executor);
    far.attach(uploads_taken().on([&](count_up) { return stuck(down); }));
    asio::co_spawn(executor, call_uploading(near, up, stuck, {}, {}), asio::detached);
    asio::co_spawn(executor, watch(near, {}), asio::detached);
    for (int i = 0; i != steps; ++i)
        io.poll_one();
    if (!pipes_first) return;
    near = {};
    far = {};
    for (int i = 0; i != steps % 7; ++i)
        io.poll_one();
}

TEST_CASE("generators that wait may be destroyed with their context, at any step") {
    for (const bool on_strand : {false, true}) {
        for (const bool pipes_first : {false, true}) {
            for (int steps = 0; steps != 60; ++steps) {
                CAPTURE(steps);
                die_after(steps, on_strand, pipes_first);
            }
        }
    }
}

}  // namespace
