// SPDX-License-Identifier: MIT
// Generators that are dropped, or go with their context, before their end.
#include "call/generator_consumer.hpp"

using namespace test;

namespace {

using remora::generator;

/// Whether a coroutine's locals live.
struct witness {
    bool alive = false;
    std::shared_ptr<void> mark() {
        alive = true;
        return {static_cast<void*>(nullptr), [this](void*) { alive = false; }};
    }
};

/// Waits for longer than anybody has patience; what it finds then.
generator<int> sleep(std::shared_ptr<void>, std::error_code& ended_with) {
    asio::steady_timer timer(co_await asio::this_coro::executor,
                             std::chrono::steady_clock::time_point::max());
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ended_with));
    FAIL("went on");
    co_yield 1;
}

TEST_CASE("a generator that was never started is destroyed with its parameters") {
    witness seen;
    {
        const auto items = count_to(3, seen.mark());
        CHECK(seen.alive);
    }
    CHECK(!seen.alive);
    consumer c;
    {
        auto items = count_to(3, seen.mark());
        c.start(items);
    }
    CHECK(!seen.alive);
}

TEST_CASE("a generator that is dropped at an item is destroyed there") {
    consumer c;
    witness seen;
    {
        auto items = count_to(3, seen.mark());
        c.start(items);
        source_of(items).advance();
        source_of(items).advance();
        CHECK(seen.alive);
    }
    CHECK(!seen.alive);
}

TEST_CASE("what a dropped generator awaits is cancelled, and it does not go on") {
    consumer c;
    witness seen;
    std::error_code ended_with;
    {
        auto items = sleep(seen.mark(), ended_with);
        c.start(items);
        source_of(items).advance();
        c.io.poll();
        CHECK(source_of(items).is_waiting());
    }
    c.io.restart();
    c.io.run_for(patience);
    CHECK(c.io.stopped());  // nothing is left to wait for
    CHECK(ended_with == asio::error::operation_aborted);
    CHECK(!seen.alive);
}

TEST_CASE("a generator is dropped by whom it has woken") {
    consumer c;
    auto items = std::make_unique<generator<int>>(count_to_in_turns(100));
    c.start(*items);
    asio::co_spawn(
        c.io,
        [](consumer& c, std::unique_ptr<generator<int>>& items) -> asio::awaitable<void> {
            do {
                source_of(*items).advance();
            } while (!source_of(*items).is_waiting());
            co_await c.ready.wait([] {});
            items.reset();
        }(c, items),
        asio::detached);
    c.io.run_for(patience);
    CHECK(!items);
}

TEST_CASE("a generator that waits is destroyed with its context") {
    witness seen;
    std::error_code ended_with;
    {
        consumer c;
        asio::co_spawn(
            c.io,
            [](consumer& c, generator<int> items) -> asio::awaitable<void> {
                c.start(items);
                source_of(items).advance();
                asio::steady_timer timer(co_await asio::this_coro::executor,
                                         std::chrono::steady_clock::time_point::max());
                co_await timer.async_wait(asio::use_awaitable);
            }(c, sleep(seen.mark(), ended_with)),
            asio::detached);
        c.io.poll();
        CHECK(seen.alive);
    }
    CHECK(!seen.alive);
}

TEST_CASE("a dropped generator that still waits is destroyed with its context") {
    witness seen;
    std::error_code ended_with;
    {
        consumer c;
        {
            auto items = sleep(seen.mark(), ended_with);
            c.start(items);
            source_of(items).advance();
            c.io.poll();
        }
        CHECK(seen.alive);  // until the context runs
    }
    CHECK(!seen.alive);
}

}  // namespace
