// SPDX-License-Identifier: MIT
// The conformance suite of pipes: who finds everything at hand lets others run now and then.
#include "support/calls.hpp"
#include "support/coroutine.hpp"
#include "support/messages.hpp"
#include "support/pairs.hpp"

#include "polling/busy_poller.hpp"

#include <remora/pipe.hpp>

#include <fcntl.h>
#include <sys/ioctl.h>

#include <algorithm>

namespace {

using namespace test;
using remora::pipe;

TEST_CASE("a loop of readable and skip lets others run now and then") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        auto [a, b] = remora::make_pipe_pair(io);
        const std::vector<number> many(1000);
        co_await a.send_all(many);
        bool ran = false;
        asio::post(b.get_executor(), [&ran] { ran = true; });
        for (int i = 0; i < 500; ++i) {
            co_await b.readable();
            CHECK(b.skip());
        }
        CHECK(ran);
    });
}

// How often others have their turn during `work`.
template <class Work>
asio::awaitable<int> turns_during(Work work) {
    int turns = 0;
    const auto others = [](int& count) -> asio::awaitable<void> {
        for (;; ++count)
            co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    };
    background beside(co_await asio::this_coro::executor, others(turns));
    co_await work();
    beside.cancel();
    co_await beside.result();
    co_return turns;
}

template <class T>
asio::awaitable<void> receive_so_many(pipe& from, std::size_t count) {
    for (std::size_t i = 0; i != count; ++i)
        co_await from.receive<T>();
}

TEST_CASE("a coroutine that finds everything at hand lets others run now and then") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        auto [a, b] = remora::make_pipe_pair(io);
        std::vector<number> many(1000);
        co_await a.send_all(many);
        const int turns =
            co_await turns_during([&] { return receive_so_many<number>(b, many.size()); });
        CHECK(turns >= 10);
        CHECK(turns <= 100);
    });
}

// How often others have their turn while `send` sends `count` values, one after the other.
template <class Send>
int turns_while(std::size_t count, Send send) {
    int turns = 0;
    test::run([&](asio::io_context& io) -> asio::awaitable<void> {
        auto [a, b] = shared_pair(io, std::size_t{1} << 20);  // there is room for all
        turns = co_await turns_during([&] { return send(a, count); });
    });
    return turns;
}

TEST_CASE("who sends large values one by one lets others run between them") {
    const auto one_by_one = [](pipe& p, std::size_t count) -> asio::awaitable<void> {
        const blob large = make_blob(1, 300'000);
        for (std::size_t i = 0; i < count; ++i)
            co_await p.send(large);
    };
    CHECK(turns_while(3, one_by_one) >= 3);
}

TEST_CASE("who finds large messages at hand lets others run between them") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        auto [a, b] = shared_pair(io, std::size_t{1} << 20);  // there is room for all
        const std::vector<blob> many(3, make_blob(1, 300'000));
        co_await a.send_all(many);
        const int turns =
            co_await turns_during([&] { return receive_so_many<blob>(b, many.size()); });
        CHECK(turns >= 2);
    });
}

TEST_CASE("send_all lets others run after a number of values, and after each write") {
    const auto long_range = [](pipe& p, std::size_t count) -> asio::awaitable<void> {
        const std::vector<number> many(count);
        co_await p.send_all(many);
    };
    const auto short_ranges = [](pipe& p, std::size_t count) -> asio::awaitable<void> {
        const std::vector<number> few(10);
        for (std::size_t i = 0; i < count; i += few.size())
            co_await p.send_all(few);
    };
    const auto large_values = [](pipe& p, std::size_t count) -> asio::awaitable<void> {
        const std::vector<blob> many(count, make_blob(1, 70'000));
        co_await p.send_all(many);
    };
    CHECK(turns_while(10'000, long_range) >= 10'000 / 1024);
    CHECK(turns_while(10'000, short_ranges) >= 10);
    CHECK(turns_while(10, large_values) >= 10);
}

// Polls for something that is there, again and again, and works for so long each time.
asio::awaitable<void> poll_and_work(std::chrono::microseconds work, const bool& done, int& turns) {
    const auto poller = remora::detail::busy_poller::of(co_await asio::this_coro::executor);
    while (!done) {
        remora::detail::poll_entry entry([] { return true; }, false);
        {
            const remora::detail::poll_guard polling(*poller, entry, 1h);
            co_await entry.wait();
        }
        const auto end = std::chrono::steady_clock::now() + work;
        while (std::chrono::steady_clock::now() < end) {
        }
        ++turns;
    }
}

constexpr int at_hand = 1000;

// How often one who polls has its turn while so many messages are received.
int turns_while_receiving(std::chrono::microseconds work) {
    int turns = 0;
    test::run([&](asio::io_context& io) -> asio::awaitable<void> {
        auto [a, b] = shared_pair(io, std::size_t{1} << 20, remora::wait_policy::spin);
        const std::vector<number> many(at_hand);
        co_await a.send_all(many);
        bool done = false;
        background beside(b.get_executor(), poll_and_work(work, done, turns));
        for (int i = 0; i < at_hand; ++i)
            co_await b.receive<number>();
        done = true;
        co_await beside.result();
    });
    return turns;
}

TEST_CASE("who finds everything at hand has short turns where others poll") {
    CHECK(turns_while_receiving(0us) >= at_hand / 50);
}

TEST_CASE("who has waited for its turn for long may go on for long") {
    const int turns = turns_while_receiving(2000us);
    CHECK(turns >= at_hand / 100);
    CHECK(turns <= at_hand / 50);
}

std::size_t unread_bytes(const remora::detail::fifo_ends& ends) {
    int count = 0;
    REQUIRE(::ioctl(ends.in.get(), FIONREAD, &count) == 0);
    return static_cast<std::size_t>(count);
}

// While `work` is done: the most that the bare end has got from one turn of others to the next.
template <class Work>
asio::awaitable<std::size_t> most_in_a_turn(const remora::detail::fifo_ends& ends, Work work) {
    std::size_t most = 0, before = unread_bytes(ends);
    bool done = false;
    const auto look = [&]() -> asio::awaitable<void> {
        while (!done) {
            co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
            const std::size_t now = unread_bytes(ends);
            most = std::max(most, now - before);
            before = now;
        }
    };
    background beside(co_await asio::this_coro::executor, look());
    co_await work();
    done = true;
    co_await beside.result();
    co_return most;
}

TEST_CASE("who sends a large message over a FIFO lets others run between its pieces") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        auto [one, ends] = test::make_connected_ends();
        REQUIRE(::fcntl(one.out.get(), F_SETPIPE_SZ, 1 << 20) > 0);  // there is room for all
        auto sender = make_pipe(io, std::move(one));
        const blob large = make_blob(1, 700'000);
        const auto most = co_await most_in_a_turn(ends, [&] { return sender.send(large); });
        CHECK(unread_bytes(ends) > 700'000);
        CHECK(most <= 2 * 64 * 1024);
    });
}

// As from a caller, whose frames leave in pieces with the features of both ends.
TEST_CASE("a large request over a FIFO lets others run between its pieces") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        auto [one, ends] = test::make_connected_ends();
        REQUIRE(::fcntl(one.out.get(), F_SETPIPE_SZ, 1 << 20) > 0);
        auto caller = make_pipe(io.get_executor(), {.fifo = std::move(one)},
                                remora::wait_policy::block, remora::wire::all_features);
        const test::echo asked{make_blob(1, 700'000)};
        background calling(io.get_executor(), caller.call(asked));
        const auto all = [&]() -> asio::awaitable<void> {
            while (unread_bytes(ends) < 700'000)
                co_await asio::post(io, asio::use_awaitable);
        };
        CHECK(co_await most_in_a_turn(ends, all) <= 2 * 64 * 1024);
        calling.cancel();
        co_await calling.result();
    });
}

TEST_CASE("who receives a large message over a FIFO lets others run between its pieces") {
    const auto receive = [](pipe& from) { return receive_so_many<blob>(from, 1); };
    const auto receive_in_time = [](pipe& from) -> asio::awaitable<void> {
        co_await from.receive<blob>({.timeout = 1h});
    };
    const auto wait_for_it = [](pipe& from) { return from.readable(); };
    const auto wait_in_time = [](pipe& from) { return from.readable({.timeout = 1h}); };
    const auto turns_of = [](auto operation) {
        int turns = 0;
        test::run([&](asio::io_context& io) -> asio::awaitable<void> {
            auto [a, b] = sized_pair(io, 1 << 20);
            co_await a.send(make_blob(1, 700'000));
            turns = co_await turns_during([&] { return operation(b); });
        });
        return turns;
    };
    CHECK(turns_of(receive) >= 7);
    CHECK(turns_of(receive_in_time) >= 7);
    CHECK(turns_of(wait_for_it) >= 7);
    CHECK(turns_of(wait_in_time) >= 7);
}

// Each sends so often, after a trip through the scheduler each time.
asio::awaitable<void> send_now_and_then(pipe& to, int count) {
    for (int i = 0; i != count; ++i) {
        co_await asio::post(to.get_executor(), asio::use_awaitable);
        co_await to.send<number>(i);
    }
}

TEST_CASE("of many who send on one pipe one in many leaves the thread") {
    constexpr int senders = 256, times = 8;
    asio::io_context io;
    auto [a, b] = shared_pair(io, std::size_t{1} << 20);  // there is room for all
    int ended = 0;
    for (int i = 0; i != senders; ++i)
        asio::co_spawn(io, send_now_and_then(a, times), [&](std::exception_ptr) { ++ended; });
    const auto handlers = io.run();
    CHECK(ended == senders);
    CHECK(handlers < senders * times * 5 / 4 + 2 * senders);
}

TEST_CASE("a large message that leaves a FIFO with room for it does not wake who receives") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        auto [a, b] = sized_pair(io, 1 << 20);
        background receiving(io.get_executor(), a.receive<number>());
        co_await settle();
        const auto before = a.counts().received.slept;
        co_await a.send(make_blob(1, 200'000));
        co_await settle();
        CHECK(a.counts().received.slept == before);
        receiving.cancel();
        co_await receiving.result();
    });
}

TEST_CASE("who waits for no time gets a large message that is there, whatever the transport") {
    over_every_transport([](pipe a, pipe b) -> asio::awaitable<void> {
        const blob small = make_blob(1, 1500);  // there is room for it everywhere
        for (int i = 0; i != 10; ++i) {
            co_await a.send(small);
            const auto got = co_await b.receive<blob>({.timeout = 0s});
            CHECK(got.bytes == small.bytes);
        }
    });
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        for (const bool shared : {false, true}) {
            auto [a, b] = shared ? shared_pair(io, std::size_t{4} << 20) : sized_pair(io, 1 << 20);
            for (const std::size_t size : {70'000, 200'000, 1'040'000}) {
                const blob large = make_blob(1, size);
                co_await a.send(large);
                const auto first = co_await b.receive<blob>({.timeout = 0s});
                CHECK(first.bytes == large.bytes);
                co_await a.send(large);
                const auto hardly = co_await b.receive<blob>({.timeout = 1ns});
                CHECK(hardly.bytes == large.bytes);
                co_await a.send(large);
                blob got;
                if (!b.try_receive(got)) CHECK(b.try_receive(got));  // it leaves its turn once
                CHECK(got.bytes == large.bytes);
            }
        }
    });
}

}  // namespace
