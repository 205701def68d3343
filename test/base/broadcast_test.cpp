// SPDX-License-Identifier: MIT
// A broadcast without pipes: who gets which items, who loses some, and how it ends.
#include "support/coroutine.hpp"

#include <remora/broadcast.hpp>
#include <remora/run_on.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

namespace {

using namespace test;
using remora::broadcast;
using remora::errc;
using remora::subscription;

using numbers = std::vector<int>;

asio::awaitable<numbers> all_of(subscription<int> mine) {
    numbers got;
    while (const auto n = co_await mine.next())
        got.push_back(*n);
    co_return got;
}

asio::awaitable<subscription<int>> subscribe_to(broadcast<int>& all) {
    co_return all.subscribe();
}

asio::awaitable<void> collect_into(subscription<int> mine, numbers& got) {
    while (const auto n = co_await mine.next())
        got.push_back(*n);
}

TEST_CASE("each subscriber gets what was sent after it had subscribed, and then the end") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        broadcast<int> all;
        all.send(0);
        numbers first, second;
        background one(io.get_executor(), collect_into(all.subscribe(), first));
        all.send(1);
        co_await settle();
        background other(io.get_executor(), collect_into(all.subscribe(), second));
        co_await settle();
        all.send(2);
        co_await settle();
        CHECK(first == numbers{1, 2});
        all.send(3);
        all.close();
        all.send(4);
        (void)co_await one.result();
        (void)co_await other.result();
        CHECK(first == numbers{1, 2, 3});
        CHECK(second == numbers{2, 3});
        const auto late = co_await all_of(all.subscribe());
        CHECK(late.empty());
    });
}

TEST_CASE("a slow subscriber loses its oldest items and is told how many, the others none") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        broadcast<int> all({.queue = 3});
        auto slow = all.subscribe();
        numbers got;
        background quick(io.get_executor(), collect_into(all.subscribe(), got));
        for (int i = 0; i != 10; ++i) {
            all.send(i);
            co_await settle();
        }
        CHECK(got == numbers{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
        const auto seven = co_await slow.next();
        CHECK(*seven == 7);
        CHECK(slow.lost() == 7);
        const auto eight = co_await slow.next();
        CHECK(*eight == 8);
        CHECK(slow.lost() == 0);
        for (int i = 10; i != 13; ++i)
            all.send(i);
        const auto ten = co_await slow.next();
        CHECK(*ten == 10);
        CHECK(slow.lost() == 1);
        all.close();
        (void)co_await quick.result();
    });
}

TEST_CASE("64 items wait for a subscriber, and a queue of none is bad_option") {
    test::run([](asio::io_context&) -> asio::awaitable<void> {
        broadcast<int> all;
        auto mine = all.subscribe();
        for (int i = 0; i != 65; ++i)
            all.send(i);
        const auto one = co_await mine.next();
        CHECK(*one == 1);
        CHECK(mine.lost() == 1);
        CHECK(failure_of([] { broadcast<int> none({.queue = 0}); }).code == code(errc::bad_option));
    });
}

TEST_CASE("an item is stored once, and goes when all have taken or lost it") {
    test::run([](asio::io_context&) -> asio::awaitable<void> {
        broadcast<std::shared_ptr<int>> all({.queue = 2});
        const auto first = std::make_shared<int>(1), second = std::make_shared<int>(2);
        auto one = all.subscribe();
        auto other = std::make_optional(all.subscribe());
        all.send(first);
        all.send(second);
        CHECK(first.use_count() == 2);
        {
            const auto at_one = co_await one.next();
            const auto at_other = co_await other->next();
            CHECK(at_one == at_other);
            CHECK(first.use_count() == 2);
        }
        CHECK(first.use_count() == 1);
        {
            const auto taken = co_await one.next();
        }
        CHECK(second.use_count() == 2);
        other.reset();
        CHECK(second.use_count() == 1);
        all.send(second);
        all.send({});
        all.send({});
        CHECK(second.use_count() == 1);
        all.send(second);
        {
            const auto gone = std::move(one);
        }
        all.send(second);
        CHECK(second.use_count() == 1);
    });
}

TEST_CASE("a wait that is cancelled loses no item, and two at once are refused") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        broadcast<int> all;
        auto mine = all.subscribe();
        background wait(io.get_executor(), mine.next());
        co_await settle();
        const auto second = co_await failure_of(mine.next());
        CHECK(second.code == code(errc::receive_in_progress));
        all.send(1);
        wait.cancel();
        const auto cancelled = co_await wait.result();
        CHECK(cancelled.code == asio::error::operation_aborted);
        const auto one = co_await mine.next();
        CHECK(*one == 1);
        const auto moved = std::move(mine);
        CHECK(failure_of([&] { (void)mine.next(); }).code == code(errc::closed));
    });
}

TEST_CASE("a broadcast may be destroyed before those who wait for it, and after") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        auto all = std::make_optional<broadcast<int>>();
        numbers got;
        background waiting(io.get_executor(), collect_into(all->subscribe(), got));
        auto behind = all->subscribe();
        auto dropped = std::make_optional(all->subscribe());
        background cut(io.get_executor(), dropped->next());
        co_await settle();
        dropped.reset();
        const auto end = co_await cut.result();
        CHECK(!end.code);
        all->send(1);
        all.reset();
        (void)co_await waiting.result();
        CHECK(got == numbers{1});
        const auto rest = co_await all_of(std::move(behind));
        CHECK(rest == numbers{1});
    });
}

TEST_CASE("a subscription may come from another executor, and one to nothing is closed") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        broadcast<int> all;
        subscription<int> mine;
        CHECK(failure_of([&] { (void)mine.next(); }).code == code(errc::closed));
        mine = co_await remora::run_on(asio::make_strand(io), subscribe_to(all));
        all.send(3);
        const auto got = co_await mine.next();
        CHECK(*got == 3);
    });
}

TEST_CASE("a context that is destroyed takes along who waits for a broadcast") {
    broadcast<int> all;
    const auto kept = std::make_shared<int>(0);
    {
        asio::io_context io;
        asio::co_spawn(
            io,
            [](subscription<int> mine, std::shared_ptr<int>) -> asio::awaitable<void> {
                (void)co_await mine.next();
            }(all.subscribe(), kept),
            asio::detached);
        io.poll();
        CHECK(kept.use_count() == 2);
    }
    CHECK(kept.use_count() == 1);
    all.send(1);
}

// Subscribes often, and checks that nothing is missing but what it is told of.
asio::awaitable<void> follow_in_thread(broadcast<int>& all, std::atomic<int>& left) {
    for (int round = 0; round != 200; ++round) {
        auto mine = all.subscribe();
        const auto first = co_await mine.next();
        for (int i = 1, next = *first; i != 30; ++i) {
            const auto n = co_await mine.next();
            next += 1 + static_cast<int>(mine.lost());
            CHECK(*n == next);
        }
    }
    --left;
}

// Until `done`, or for as long as a test may take.
void send_until(broadcast<int>& all, const std::function<bool()>& done) {
    const auto end = std::chrono::steady_clock::now() + patience;
    for (int i = 0; !done() && std::chrono::steady_clock::now() < end; ++i)
        all.send(i);
}

TEST_CASE("a broadcast is used by several threads at once") {
    asio::io_context io;
    broadcast<int> all({.queue = 8});
    std::atomic<int> left = 6;
    for (int i = 0; i != 6; ++i)
        asio::co_spawn(asio::make_strand(io), follow_in_thread(all, left), asio::detached);
    std::vector<std::thread> threads;
    for (int i = 0; i != 2; ++i)
        threads.emplace_back([&] { io.run_for(patience); });
    send_until(all, [&] { return left == 0; });
    for (auto& thread : threads)
        thread.join();
    CHECK(left == 0);
}

// Waits that are given up while another thread sends.
asio::awaitable<void> give_up_waiting(subscription<int>& mine, std::atomic<bool>& over) {
    for (int i = 0; i != 2000; ++i) {
        background wait(co_await asio::this_coro::executor, mine.next());
        if (i % 3 == 0)
            co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
        wait.cancel();
        (void)co_await wait.result();
    }
    over = true;
}

TEST_CASE("waits for a broadcast are given up while another thread sends") {
    asio::io_context io;
    broadcast<int> all({.queue = 8});
    auto mine = all.subscribe();
    std::atomic<bool> over = false;
    asio::co_spawn(asio::make_strand(io), give_up_waiting(mine, over), asio::detached);
    std::thread thread([&] { io.run_for(patience); });
    send_until(all, [&] { return over.load(); });
    thread.join();
    CHECK(over);
}

}  // namespace
