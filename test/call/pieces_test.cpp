// SPDX-License-Identifier: MIT
// Large requests, replies and items leave in pieces, between which others go.
#include "support/calls.hpp"
#include "support/pairs.hpp"

#include <algorithm>

namespace {

using namespace test;
using remora::errc;
using remora::pipe;
using remora::service;

constexpr std::size_t large = 8u << 20;

service large_echoes() {
    service s;
    s.on([](echo e) { return std::move(e.what); });
    s.on([](add q) { return sum{q.a + q.b}; });
    s.on([](large_items q) -> remora::generator<blob> {
        for (int i = 0; i != q.count; ++i) {
            const blob item = make_blob(static_cast<std::uint64_t>(i), large);
            co_yield item;
        }
    });
    return s;
}

// The order in which calls come to their ends.
struct ends {
    std::vector<std::string> order;

    asio::awaitable<void> note(std::string name, pipe& p, std::size_t size) {
        const echo question{make_blob(1, size)};
        const blob back = co_await p.call(question);
        CHECK(back.bytes == question.what.bytes);
        order.push_back(std::move(name));
    }
};

TEST_CASE("a small call overtakes a large one, in both directions") {
    run([](asio::io_context& io) -> asio::awaitable<void> {
        auto [near, far] = remora::make_pipe_pair(io);
        far.attach(large_echoes());
        ends all;
        background first(io.get_executor(), all.note("large", near, large));
        co_await settle();
        co_await all.note("small", near, 10);
        CHECK((co_await first.result()).code == std::error_code());
        CHECK(all.order == std::vector<std::string>{"small", "large"});
    });
}

TEST_CASE("a small call is sent while a large one waits to leave") {
    run([](asio::io_context& io) -> asio::awaitable<void> {
        auto [near, far] = remora::make_pipe_pair(io);
        far.attach(large_echoes());
        co_await near.call<add>(1, 2);  // from now on it is known how many calls there may be
        ends all;
        background first(io.get_executor(), all.note("large", near, large));
        background second(io.get_executor(), all.note("small", near, 10));
        co_await asio::post(io.get_executor(), asio::use_awaitable);
        CHECK(near.counts().calls == 2);
        CHECK((co_await first.result()).code == std::error_code());
        CHECK((co_await second.result()).code == std::error_code());
    });
}

TEST_CASE("large calls beside each other come with their own bytes, over every transport") {
    for (const std::size_t ring : {std::size_t{4096}, std::size_t{256} << 10}) {
        run([ring](asio::io_context& io) -> asio::awaitable<void> {
            auto [one, other] = make_shared_ends(ring);
            constexpr std::uint64_t pieces = 16;
            const auto block = remora::wait_policy::block;
            pipe near = make_pipe(io.get_executor(), std::move(one), block, pieces);
            pipe far = make_pipe(io.get_executor(), std::move(other), block, pieces);
            far.attach(large_echoes());
            ends all;
            background a(io.get_executor(), all.note("a", near, 3'000'000));
            background b(io.get_executor(), all.note("b", near, 200'000));
            co_await all.note("c", near, 70'000);
            CHECK((co_await a.result()).code == std::error_code());
            CHECK((co_await b.result()).code == std::error_code());
            CHECK(all.order.size() == 3);
        });
    }
}

TEST_CASE("large items come in their order, and small calls beside them are answered") {
    run([](asio::io_context& io) -> asio::awaitable<void> {
        auto [near, far] = remora::make_pipe_pair(io);
        far.attach(large_echoes());
        auto items = co_await near.stream<large_items>(3);
        for (std::uint64_t i = 0; i != 3; ++i) {
            const auto two = co_await near.call<add>(1, 1);
            CHECK(two.value == 2);
            const auto item = co_await items.next();
            REQUIRE(item);
            CHECK(item->number == i);
            CHECK(item->bytes == make_blob(i, large).bytes);
        }
        const auto end = co_await items.next();
        CHECK(!end);
    });
}

TEST_CASE("a large request that is cancelled on its way arrives whole, and the pipe lives") {
    run([](asio::io_context& io) -> asio::awaitable<void> {
        auto [near, far] = remora::make_pipe_pair(io);
        far.attach(large_echoes());
        ends all;
        background call(io.get_executor(), all.note("large", near, large));
        co_await settle();
        call.cancel();
        CHECK((co_await call.result()).code == asio::error::operation_aborted);
        const auto two = co_await near.call<add>(1, 1);
        CHECK(two.value == 2);
        while (near.counts().calls != 0)
            co_await settle();  // the answer to the cancelled call still comes
        CHECK(near.is_open());
    });
}

TEST_CASE(
    "the time that is left is told of a large request, and of the small ones that overtake it") {
    run([](asio::io_context& io) -> asio::awaitable<void> {
        auto [near, far] = remora::make_pipe_pair(io);
        std::vector<std::int64_t> hours;
        service s;
        const auto note = [&hours](std::chrono::nanoseconds left) {
            hours.push_back(std::chrono::round<std::chrono::hours>(left).count());
        };
        s.on([note](echo e) -> asio::awaitable<blob> {
            const auto call = co_await remora::this_call();
            note(call.time_left());
            co_return std::move(e.what);
        });
        far.attach(s);
        const echo big{make_blob(1, large)}, little{make_blob(2, 10)};
        background first(io.get_executor(), near.call(big, {.timeout = 5h}));
        co_await settle();
        (void)co_await near.call(little, {.timeout = 2h});
        (void)co_await near.call(little, {.timeout = 3h});
        CHECK((co_await first.result()).code == std::error_code());
        CHECK(hours.front() == 2);
        std::ranges::sort(hours);
        CHECK(hours == std::vector<std::int64_t>{2, 3, 5});
    });
}

TEST_CASE("a pipe that closes lets the pieces of its answers leave first") {
    run([](asio::io_context& io) -> asio::awaitable<void> {
        auto [near, far] = remora::make_pipe_pair(io);
        far.attach(large_echoes());
        ends all;
        background call(io.get_executor(), all.note("large", near, large));
        while (far.counts().calls + near.counts().calls == 0)
            co_await settle();
        const auto two = co_await near.call<add>(1, 1);
        CHECK(two.value == 2);
        CHECK((co_await call.result()).code == std::error_code());
        co_await far.close();
    });
}

TEST_CASE("a large value over the limit fails alone") {
    run([](asio::io_context& io) -> asio::awaitable<void> {
        auto [near, far] = remora::make_pipe_pair(io, "small", {.message = 100'000});
        far.attach(large_echoes());
        const echo over{make_blob(1, 100'001)}, within{make_blob(1, 90'000)};
        const auto refused = co_await failure_of(near.call(over));
        CHECK(refused.code == code(errc::message_too_large));
        const auto back = co_await near.call(within);
        CHECK(back.bytes == within.what.bytes);
    });
}

}  // namespace
