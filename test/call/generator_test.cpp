// SPDX-License-Identifier: MIT
// Generators by themselves, without a pipe.
#include "support/coroutine.hpp"

#include <remora/detail/call/call_access.hpp>
#include <remora/generator.hpp>

#include <stdexcept>
#include <string>
#include <vector>

using namespace test;

namespace {

using remora::generator;
using remora::detail::wake_event;
using remora::detail::wake_events;

template <class T>
auto& source_of(const generator<T>& items) {
    return remora::detail::call_access::source_of(items);
}

/// Whether a coroutine's locals live.
struct witness {
    bool alive = false;
    std::shared_ptr<void> mark() {
        alive = true;
        return {static_cast<void*>(nullptr), [this](void*) { alive = false; }};
    }
};

/// What takes the items.
struct consumer {
    asio::io_context io;
    wake_events all;
    wake_event ready{all};
    bool stopped = false;

    template <class T>
    void start(generator<T>& items) {
        source_of(items).start(io.get_executor(), ready, stopped);
    }

    /// Takes all items; what it waits for has to end by itself.
    template <class T>
    std::vector<T> take_all(generator<T> items) {
        std::vector<T> taken;
        start(items);
        asio::co_spawn(io, collect(std::move(items), taken), [](std::exception_ptr why) {
            if (why) std::rethrow_exception(why);
        });
        io.run_for(patience);
        return taken;
    }

private:
    template <class T>
    asio::awaitable<void> collect(generator<T> items, std::vector<T>& into) {
        for (;;) {
            source_of(items).advance();
            while (source_of(items).is_waiting())
                co_await ready.wait([] {});
            if (source_of(items).at_end()) break;
            into.push_back(*source_of(items).item());
        }
        source_of(items).rethrow_failure();
    }
};

generator<int> count(int count, std::shared_ptr<void> = {}) {
    for (int i = 0; i != count; ++i)
        co_yield i;
}

generator<int> count_in_turns(int count) {
    const auto executor = co_await asio::this_coro::executor;
    for (int i = 0; i != count; ++i) {
        if (i % 3 != 0) co_await asio::post(executor, asio::use_awaitable);
        co_yield i;
        if (i % 5 == 0) co_await asio::post(executor, asio::use_awaitable);
    }
}

/// Waits for longer than anybody has patience; what it finds then.
generator<int> sleep(std::shared_ptr<void>, std::error_code& ended_with) {
    asio::steady_timer timer(co_await asio::this_coro::executor,
                             std::chrono::steady_clock::time_point::max());
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ended_with));
    FAIL("went on");
    co_yield 1;
}

TEST_CASE("a generator yields one item each time it is asked, then ends") {
    consumer c;
    auto items = count(2);
    c.start(items);
    CHECK(source_of(items).item() == nullptr);
    source_of(items).advance();
    REQUIRE(source_of(items).item() != nullptr);
    CHECK(*source_of(items).item() == 0);
    CHECK(!source_of(items).is_waiting());
    source_of(items).advance();
    CHECK(*source_of(items).item() == 1);
    CHECK(!source_of(items).at_end());
    source_of(items).advance();
    CHECK(source_of(items).at_end());
    CHECK(source_of(items).item() == nullptr);
    source_of(items).rethrow_failure();
}

TEST_CASE("a generator without items is at its end at once") {
    consumer c;
    auto items = count(0);
    c.start(items);
    source_of(items).advance();
    CHECK(source_of(items).at_end());
}

TEST_CASE("items come in order, with waits between them") {
    consumer c;
    const auto taken = c.take_all(count_in_turns(100));
    REQUIRE(taken.size() == 100);
    for (int i = 0; i != 100; ++i)
        CHECK(taken[static_cast<std::size_t>(i)] == i);
}

TEST_CASE("a generator that waits has no item until the wait is over") {
    consumer c;
    auto items = count_in_turns(2);
    c.start(items);
    source_of(items).advance();
    CHECK(*source_of(items).item() == 0);
    source_of(items).advance();
    CHECK(source_of(items).is_waiting());
    CHECK(source_of(items).item() == nullptr);
    CHECK(!source_of(items).at_end());
    c.io.run();
    CHECK(!source_of(items).is_waiting());
    REQUIRE(source_of(items).item() != nullptr);
    CHECK(*source_of(items).item() == 1);
}

asio::awaitable<std::string> text_in_a_while(std::string text) {
    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    if (text.empty()) throw std::runtime_error("no text");
    co_return text;
}

TEST_CASE("what an awaitable returns or throws reaches the generator that awaits it") {
    struct asking {
        static generator<std::string> ask() {
            co_yield co_await text_in_a_while("one");
            std::string failure;
            try {
                co_await text_in_a_while("");
            } catch (const std::runtime_error& e) {
                failure = e.what();
            }
            co_yield failure;
        }
    };
    consumer c;
    CHECK(c.take_all(asking::ask()) == std::vector<std::string>{"one", "no text"});
}

asio::awaitable<int> at_once() {
    co_return 7;
}

TEST_CASE("an awaitable that does not wait lets the generator go on") {
    struct asking {
        static generator<int> ask() {
            for (int i = 0; i != 3; ++i)
                co_yield co_await at_once();
        }
    };
    consumer c;
    CHECK(c.take_all(asking::ask()) == std::vector<int>{7, 7, 7});
}

generator<int> throw_after(int count, bool waits) {
    for (int i = 0; i != count; ++i)
        co_yield i;
    if (waits) co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    throw std::runtime_error("after " + std::to_string(count));
}

TEST_CASE("an exception comes after the items before it") {
    for (const bool waits : {false, true}) {
        for (const int before : {0, 2}) {
            CAPTURE(before);
            consumer c;
            auto items = throw_after(before, waits);
            c.start(items);
            for (int i = 0; i != before; ++i) {
                source_of(items).advance();
                CHECK(*source_of(items).item() == i);
            }
            source_of(items).advance();
            c.io.run();
            CHECK(source_of(items).at_end());
            CHECK(source_of(items).item() == nullptr);
            CHECK_THROWS_WITH(source_of(items).rethrow_failure(),
                              ("after " + std::to_string(before)).c_str());
        }
    }
}

TEST_CASE("a generator that was never started is destroyed with its parameters") {
    witness seen;
    {
        const auto items = count(3, seen.mark());
        CHECK(seen.alive);
    }
    CHECK(!seen.alive);
    consumer c;
    {
        auto items = count(3, seen.mark());
        c.start(items);
    }
    CHECK(!seen.alive);
}

TEST_CASE("a generator that is dropped at an item is destroyed there") {
    consumer c;
    witness seen;
    {
        auto items = count(3, seen.mark());
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
    auto items = std::make_unique<generator<int>>(count_in_turns(100));
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

TEST_CASE("a generator can be moved while it waits") {
    consumer c;
    auto items = count_in_turns(2);
    c.start(items);
    source_of(items).advance();
    source_of(items).advance();
    CHECK(source_of(items).is_waiting());
    auto moved = std::move(items);
    c.io.run();
    REQUIRE(source_of(moved).item() != nullptr);
    CHECK(*source_of(moved).item() == 1);
}

TEST_CASE("a million items need no more of the stack than one") {
    consumer c;
    auto items = count(1'000'000);
    c.start(items);
    std::int64_t sum = 0;
    for (source_of(items).advance(); !source_of(items).at_end(); source_of(items).advance())
        sum += *source_of(items).item();
    CHECK(sum == 499'999'500'000);
}

generator<int> all_at_once(int count) {
    for (int i = 0; i != count; ++i)
        co_await at_once();
    co_yield count;
}

TEST_CASE("many operations that do not wait need no more of the stack than one") {
    consumer c;
    CHECK(c.take_all(all_at_once(200'000)) == std::vector<int>{200'000});
}

}  // namespace
