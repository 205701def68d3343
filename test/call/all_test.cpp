// SPDX-License-Identifier: MIT
#include "support/calls.hpp"
#include "support/pairs.hpp"

#include <remora/all.hpp>
#include <remora/pipe.hpp>

using namespace test;

namespace {

using remora::errc;
using remora::failure_kind;
using remora::generator;
using remora::pipe;
using remora::service;
using remora::stream;

asio::awaitable<sum> add_in_turns(add_later q) {
    const auto executor = co_await asio::this_coro::executor;
    for (std::uint32_t i = 0; i != q.trips; ++i)
        co_await asio::post(executor, asio::use_awaitable);
    co_return sum{q.a + q.b};
}

asio::awaitable<sum> fail_soon(fail_with q) {
    co_await settle();
    throw std::runtime_error(q.text);
}

generator<number> count_in_turns(count_up q) {
    const auto executor = co_await asio::this_coro::executor;
    for (std::int64_t i = 0; i != q.count; ++i) {
        if (i % 3 == 0) co_await asio::post(executor, asio::use_awaitable);
        co_yield remora::item<number>(i);
    }
}

service answers() {
    service s;
    s.on(add_in_turns);
    s.on(for_ever);
    s.on(fail_soon);
    s.on(count_in_turns);
    s.on([](remember) {});
    return s;
}

asio::awaitable<void> wait_until_idle(const pipe& near, const pipe& far) {
    while (near.counts().calls + far.counts().running_handlers != 0)
        co_await settle();
}

TEST_CASE("all returns what each has returned") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        far.attach(answers());
        auto [one, none, two] = co_await remora::all(
            near.call<add_later>(1, 2, 5u), near.call<remember>(7), near.call<add_later>(3, 4, 1u));
        CHECK(one.value == 3);
        CHECK(none == std::monostate());
        CHECK(two.value == 7);
    });
}

asio::awaitable<std::string> failure_text(asio::awaitable<void> operation) {
    try {
        co_await std::move(operation);
    } catch (const remora::remote_error& e) {
        co_return e.kind() == failure_kind::failed ? e.message() : to_string(e.kind());
    } catch (const std::system_error& e) {
        co_return e.code() == asio::error::operation_aborted ? "aborted" : e.what();
    }
    co_return "";
}

asio::awaitable<void> all_of_three(pipe& p) {
    co_await remora::all(p.call<wait_for_ever>(), p.call<fail_with>(0, std::string("first")),
                         p.call<wait_for_ever>());
}

asio::awaitable<void> any_of_two(pipe& p) {
    co_await remora::any(p.call<fail_with>(0, std::string("first")),
                         p.call<fail_with>(0, std::string("second")));
}

asio::awaitable<std::pair<int, int>> two_numbers() {
    co_return std::pair(1, 2);
}

TEST_CASE("all of one operation returns what that returned, also a pair") {
    over_every_transport([](pipe, pipe) -> asio::awaitable<void> {
        const auto [both] = co_await remora::all(two_numbers());
        CHECK(both == std::pair(1, 2));
    });
}

TEST_CASE("all throws the remote_error that failed first, and has cancelled the others by then") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        far.attach(answers());
        const auto text = co_await failure_text(all_of_three(near));
        CHECK(text == R"("first")");
        co_await wait_until_idle(near, far);
        const auto other = co_await failure_text(any_of_two(near));
        CHECK(other == R"("first")");
    });
}

TEST_CASE("any returns the first that succeeds, and cancels the others") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        far.attach(answers());
        auto [never, failed, soon] =
            co_await remora::any(near.call<wait_for_ever>(), near.call<fail_with>(0, std::string()),
                                 near.call<add_later>(1, 2, 100u));
        CHECK(!never);
        CHECK(!failed);
        REQUIRE(soon);
        CHECK(soon->value == 3);
        co_await wait_until_idle(near, far);
    });
}

TEST_CASE("all and any that are cancelled cancel what they have started") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        far.attach(answers());
        background all(near.get_executor(),
                       remora::all(near.call<wait_for_ever>(), near.call<wait_for_ever>()));
        background any(near.get_executor(),
                       remora::any(near.call<wait_for_ever>(), near.call<wait_for_ever>()));
        while (far.counts().running_handlers != 4)
            co_await settle();
        all.cancel();
        any.cancel();
        const auto end_of_all = co_await all.result();
        const auto end_of_any = co_await any.result();
        CHECK(end_of_all.code == asio::error::operation_aborted);
        CHECK(end_of_any.code == asio::error::operation_aborted);
        co_await wait_until_idle(near, far);
    });
}

/// Takes the numbers of a stream, which come in order and without a gap.
struct taker {
    explicit taker(stream<number> numbers) : from(std::move(numbers)) {}

    stream<number> from;
    std::int64_t next = 0;
    bool at_end = false;

    void take(std::optional<std::optional<number>>& item) {
        if (!item) return;
        at_end = !*item;
        if (!at_end) CHECK((*item)->value == next++);
    }
};

TEST_CASE("any of two streams loses no item") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        far.attach(answers());
        taker a(co_await near.stream<count_up>(300));
        taker b(co_await near.stream<count_up>(200));
        while (!a.at_end && !b.at_end) {
            auto [one, other] = co_await remora::any(a.from.next(), b.from.next());
            a.take(one);
            b.take(other);
        }
        for (taker* each : {&a, &b}) {
            while (const auto n = co_await each->from.next())
                CHECK(n->value == each->next++);
        }
        CHECK(a.next == 300);
        CHECK(b.next == 200);
    });
}

using taken =
    std::tuple<std::optional<std::optional<number>>, std::optional<std::optional<number>>>;

asio::awaitable<void> take_both(taken& into, taker& a, taker& b) {
    co_await remora::all(into, a.from.next(), b.from.next());
}

TEST_CASE("what was taken is kept when all are cancelled") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        far.attach(answers());
        taker a(co_await near.stream<count_up>(100));
        taker b(co_await near.stream<count_up>(100));
        for (int round = 0; !a.at_end || !b.at_end; ++round) {
            taken both;
            background taking(near.get_executor(), take_both(both, a, b));
            for (int trips = round % 7; trips != 0; --trips)
                co_await asio::post(near.get_executor(), asio::use_awaitable);
            if (round < 1000) taking.cancel();
            co_await taking.result();
            a.take(std::get<0>(both));
            b.take(std::get<1>(both));
        }
        CHECK(a.next == 100);
        CHECK(b.next == 100);
    });
}

TEST_CASE("all and any go with their context, at whatever step") {
    for (int steps = 0; steps != 60; ++steps) {
        asio::io_context io;
        auto [near, far] = remora::make_pipe_pair(io);
        far.attach(answers());
        asio::co_spawn(io, all_of_three(near), [](std::exception_ptr) {});
        asio::co_spawn(io, any_of_two(near), [](std::exception_ptr) {});
        for (int i = 0; i != steps; ++i)
            io.poll_one();
    }
}

}  // namespace
