// SPDX-License-Identifier: MIT
#include "support/calls.hpp"
#include "support/pairs.hpp"

#include <remora/pipe.hpp>

#include <numeric>

using namespace test;

namespace {

using remora::errc;
using remora::failure_kind;
using remora::generator;
using remora::pipe;
using remora::service;
using remora::stream;

/// What a producer leaves behind: how far it came, and whether it is gone.
struct trace {
    std::int64_t yielded = 0;
    bool is_gone = false;
    std::shared_ptr<void> mark() {
        return {static_cast<void*>(nullptr), [this](void*) { is_gone = true; }};
    }
};

generator<number> count(count_up q, trace& seen, bool in_turns) {
    const auto mark = seen.mark();
    const auto executor = co_await asio::this_coro::executor;
    for (std::int64_t i = 0; i != q.count; ++i) {
        if (i == q.fail_at) throw std::runtime_error("no more numbers");
        if (in_turns && i % 3 == 0) co_await asio::post(executor, asio::use_awaitable);
        seen.yielded = i + 1;
        co_yield remora::item<number>(i);
    }
}

service counter(trace& seen, bool in_turns) {
    service s;
    s.on([&seen, in_turns](count_up q) { return count(q, seen, in_turns); });
    s.on(add_all);
    s.on([](add q) { return sum{q.a + q.b}; });
    return s;
}

/// Takes a stream to its end: the sum of its numbers, which come in order.
asio::awaitable<std::int64_t> take_all(stream<number> numbers) {
    std::int64_t next = 0;
    while (const auto n = co_await numbers.next()) {
        CHECK(n->value == next);
        ++next;
    }
    co_return next;
}

TEST_CASE("a stream brings every item in order, and ends") {
    for (const bool in_turns : {false, true}) {
        over_every_transport([in_turns](pipe near, pipe far) -> asio::awaitable<void> {
            trace seen;
            far.attach(counter(seen, in_turns));
            const auto taken = co_await take_all(co_await near.stream<count_up>(1000));
            CHECK(taken == 1000);
            CHECK(seen.is_gone);
            CHECK(near.counts().calls == 0);
            CHECK(far.counts().serving == 0);
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
            while (near.counts().calls != 0 || far.counts().serving != 0)
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
        while (far.counts().serving != 0 || !seen.is_gone)
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

TEST_CASE("an upload reaches its handler, and its answer the caller") {
    for (const bool in_turns : {false, true}) {
        over_every_transport([in_turns](pipe near, pipe far) -> asio::awaitable<void> {
            trace seen, mine;
            far.attach(counter(seen, false));
            add_up q;
            const auto all = co_await near.call(q, count({20'000, -1}, mine, in_turns));
            CHECK(all.value == 20'000ll * 19'999 / 2);
            CHECK(mine.is_gone);
            CHECK(near.counts().calls == 0);
        });
    }
}

TEST_CASE("an upload stops when its handler has answered") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        trace seen, mine;
        far.attach(counter(seen, false));
        add_up q{3};
        const auto three = co_await near.call(q, count({1'000'000'000, -1}, mine, false));
        CHECK(three.value == 3);
        while (!mine.is_gone)
            co_await settle();
        const auto two = co_await near.call<add>(1, 1);
        CHECK(two.value == 2);
    });
}

TEST_CASE("an upload that outlives its handler fails") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        trace mine;
        std::optional<stream<number>> kept;
        service s;
        s.on([&kept](add_up, stream<number> numbers) -> asio::awaitable<sum> {
            kept.emplace(std::move(numbers));
            co_return sum{1};
        });
        far.attach(s);
        add_up q;
        const auto one = co_await near.call(q, count({1'000'000'000, -1}, mine, false));
        CHECK(one.value == 1);
        const auto failure = co_await failure_of(take_all(std::move(*kept)));
        CHECK(failure.code == errc::closed);
        CHECK(failure.has("add_up"));
        while (!mine.is_gone)
            co_await settle();
    });
}

TEST_CASE("an upload whose producer throws fails the call, and cancels the handler") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        trace seen, mine;
        far.attach(counter(seen, false));
        add_up q;
        std::string what;
        try {
            co_await near.call(q, count({10, 5}, mine, false));
        } catch (const std::runtime_error& e) {
            what = e.what();
        }
        CHECK(what == "no more numbers");
        while (far.counts().serving != 0 || near.counts().calls != 0)
            co_await settle();
        const auto two = co_await near.call<add>(1, 1);
        CHECK(two.value == 2);
    });
}

generator<number> doubled(stream<number> numbers) {
    while (const auto n = co_await numbers.next())
        co_yield remora::item<number>(n->value * 2);
}

TEST_CASE("a stream that answers an upload goes both ways at once") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        trace mine;
        service s;
        s.on([](double_each, stream<number> numbers) { return doubled(std::move(numbers)); });
        far.attach(s);
        double_each q;
        auto twice = co_await near.stream(q, count({20'000, -1}, mine, false));
        std::int64_t next = 0;
        while (const auto n = co_await twice.next()) {
            CHECK(n->value == next * 2);
            ++next;
        }
        CHECK(next == 20'000);
        CHECK(mine.is_gone);
    });
}

TEST_CASE("a cancelled call with an upload stops both sides") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        trace seen, mine;
        far.attach(counter(seen, false));
        add_up q;
        background call(near.get_executor(), near.call(q, count({1'000'000'000, -1}, mine, true)));
        while (far.counts().serving == 0)
            co_await settle();
        call.cancel();
        const auto failure = co_await call.result();
        CHECK(failure.code == asio::error::operation_aborted);
        while (far.counts().serving != 0 || !mine.is_gone)
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
                co_await p.call(q, count({1'000'000'000, -1}, mine, true));
            }(std::move(near), mine),
            asio::detached);
        io.run_for(20ms);
    }
    CHECK(seen.is_gone);
    CHECK(mine.is_gone);
}

}  // namespace
