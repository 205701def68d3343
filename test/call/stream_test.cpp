// SPDX-License-Identifier: MIT
// Streams as answers.
#include "call/counting.hpp"
#include "support/pairs.hpp"

#include <remora/pipe.hpp>

using namespace test;

namespace {

using remora::errc;
using remora::failure_kind;
using remora::generator;
using remora::pipe;
using remora::service;
using remora::stream;

TEST_CASE("a stream brings every item in order, and ends") {
    for (const bool in_turns : {false, true}) {
        over_every_transport([in_turns](pipe near, pipe far) -> asio::awaitable<void> {
            trace seen;
            far.attach(counter(seen, in_turns));
            const auto taken = co_await take_all(co_await near.stream<count_up>(1000));
            CHECK(taken == 1000);
            CHECK(seen.is_gone);
            CHECK(near.counts().calls == 0);
            CHECK(far.counts().running_handlers == 0);
        });
    }
}

asio::awaitable<void> take_on_strand(pipe near, pipe far, bool& done) {
    trace seen;
    far.attach(counter(seen, true));
    const auto taken = co_await take_all(co_await near.stream<count_up>(1000));
    CHECK(taken == 1000);
    done = true;
}

TEST_CASE("a stream that is waited for again and again takes nothing from its strand") {
    asio::io_context io;
    bool done = false;
    {
        auto [near, far] = remora::make_pipe_pair(asio::make_strand(io));
        const auto strand = near.get_executor();
        asio::co_spawn(strand, take_on_strand(std::move(near), std::move(far), done),
                       asio::detached);
    }
    io.run();
    CHECK(done);
}

TEST_CASE("an empty stream ends at once") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        trace seen;
        far.attach(counter(seen, false));
        auto numbers = co_await near.stream<count_up>(0);
        const auto none = co_await numbers.next();
        CHECK(!none);
        const auto again = co_await numbers.next();
        CHECK(!again);
    });
}

TEST_CASE("what a producer throws comes after the items before it") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        trace seen;
        far.attach(counter(seen, false));
        auto numbers = co_await near.stream<count_up>(10, 2);
        for (int i = 0; i != 2; ++i) {
            const auto n = co_await numbers.next();
            REQUIRE(n);
        }
        std::optional<remora::remote_error> failure;
        try {
            co_await numbers.next();
        } catch (const remora::remote_error& e) {
            failure = e;
        }
        REQUIRE(failure);
        CHECK(failure->kind() == failure_kind::failed);
        CHECK(failure->message() == R"("no more numbers")");
    });
}

TEST_CASE("a slow consumer holds its producer, and nobody else") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        trace held;
        service s = counter(held, false);
        far.attach(s);
        constexpr std::int64_t many = 100'000;
        auto slow = co_await near.stream<count_up>(many);
        co_await slow.next();
        std::int64_t before = -1;
        while (before != held.yielded) {
            before = held.yielded;
            co_await settle();
            const auto two = co_await near.call<add>(1, 1);
            CHECK(two.value == 2);
        }
        CHECK(held.yielded > 100);
        CHECK(held.yielded < many / 2);
        std::int64_t rest = 1;
        while (const auto n = co_await slow.next())
            rest += n->value == rest ? 1 : many;
        CHECK(rest == many);
    });
}

TEST_CASE("items that are larger than the credit come one by one") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        struct write_loop {
            static generator<blob> blobs(int count) {
                for (int i = 0; i != count; ++i) {
                    const auto b = make_blob(static_cast<std::uint64_t>(i), 700'000);
                    co_yield b;
                }
            }
        };
        service s;
        s.on([](large_items q) { return write_loop::blobs(q.count); });
        far.attach(s);
        auto blobs = co_await near.stream<large_items>(5);
        std::uint64_t next = 0;
        while (const auto b = co_await blobs.next()) {
            CHECK(b->bytes == make_blob(next, 700'000).bytes);
            ++next;
        }
        CHECK(next == 5);
    });
}

TEST_CASE("dropping a stream cancels its producer") {
    for (const bool in_turns : {false, true}) {
        over_every_transport([in_turns](pipe near, pipe far) -> asio::awaitable<void> {
            trace seen;
            far.attach(counter(seen, in_turns));
            {
                auto numbers = co_await near.stream<count_up>(1'000'000'000);
                co_await numbers.next();
                CHECK(!seen.is_gone);
            }
            while (near.counts().calls != 0 || far.counts().running_handlers != 0)
                co_await settle();
            CHECK(seen.is_gone);
            const auto two = co_await near.call<add>(1, 1);
            CHECK(two.value == 2);
        });
    }
}

TEST_CASE("a producer that awaits is cancelled there") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        trace seen;
        struct sleeper {
            static generator<number> sleep(trace& seen) {
                const auto mark = seen.mark();
                asio::steady_timer timer(co_await asio::this_coro::executor,
                                         std::chrono::steady_clock::time_point::max());
                co_yield remora::item<number>(1);
                co_await timer.async_wait(asio::use_awaitable);
            }
        };
        service s;
        s.on([&](count_up) { return sleeper::sleep(seen); });
        far.attach(s);
        {
            auto numbers = co_await near.stream<count_up>(1);
            const auto first = co_await numbers.next();
            CHECK(first);
            const auto late = co_await failure_of(numbers.next({.timeout = 2ms}));
            CHECK(late.code == errc::timed_out);
            background waiting(near.get_executor(), numbers.next());
            co_await settle();
            const auto second = co_await failure_of(numbers.next());
            CHECK(second.code == errc::receive_in_progress);
            waiting.cancel();
            const auto cancelled = co_await waiting.result();
            CHECK(cancelled.code == asio::error::operation_aborted);
        }
        while (far.counts().running_handlers != 0 || !seen.is_gone)
            co_await settle();
    });
}

TEST_CASE("a pipe that ends fails the streams on it") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        trace seen;
        far.attach(counter(seen, false));
        auto numbers = co_await near.stream<count_up>(1'000'000'000);
        co_await numbers.next();
        {
            const pipe gone = std::move(far);
        }
        std::optional<remora::remote_error> failure;
        try {
            while (co_await numbers.next()) {
                CHECK(true);
            }
        } catch (const remora::remote_error& e) {
            failure = e;
        }
        REQUIRE(failure);
        CHECK(failure->kind() == failure_kind::gone);
        while (!seen.is_gone)
            co_await settle();
    });
}

TEST_CASE("streams that wait die with their context") {
    trace seen, mine;
    {
        asio::io_context io;
        auto [near, far] = remora::make_pipe_pair(io);
        far.attach(counter(seen, true));
        asio::co_spawn(
            io,
            [](pipe p, trace& mine) -> asio::awaitable<void> {
                auto numbers = co_await p.stream<count_up>(1'000'000'000);
                co_await numbers.next();
                add_up q;
                co_await p.call(q, counting({1'000'000'000, -1}, mine, true));
            }(std::move(near), mine),
            asio::detached);
        io.run_for(20ms);
    }
    CHECK(seen.is_gone);
    CHECK(mine.is_gone);
}

}  // namespace
