// SPDX-License-Identifier: MIT
// The condition variable for coroutines.
#include "support/coroutine.hpp"

#include <remora/detail/base/wait_queue.hpp>

#include <string>
#include <vector>

namespace {

using namespace test;
using remora::detail::deadline;
using remora::detail::wait_queue;

// Waits once, and notes its name and how that ended.
asio::awaitable<void> wait_in(wait_queue& queue, std::string name, std::vector<std::string>& log,
                              deadline until = deadline::max()) {
    const bool notified = co_await queue.wait(until);
    log.push_back(name + (notified ? " notified" : " not"));
}

TEST_CASE("coroutines that wait go on in the order in which they came") {
    run([](asio::io_context& io) -> asio::awaitable<void> {
        wait_queue queue;
        std::vector<std::string> log;
        for (const char* name : {"a", "b", "c"})
            asio::co_spawn(io, wait_in(queue, name, log), asio::detached);
        co_await settle();
        CHECK(queue.notify_one());
        co_await settle();
        CHECK(log == std::vector<std::string>{"a notified"});
        queue.notify_all();
        co_await settle();
        CHECK(log == std::vector<std::string>{"a notified", "b notified", "c notified"});
        CHECK(queue.empty());
        CHECK(!queue.notify_one());
    });
}

TEST_CASE("one that was notified keeps its place until it goes on") {
    run([](asio::io_context& io) -> asio::awaitable<void> {
        wait_queue queue;
        std::vector<std::string> log;
        asio::co_spawn(io, wait_in(queue, "a", log), asio::detached);
        asio::co_spawn(io, wait_in(queue, "b", log), asio::detached);
        co_await settle();
        queue.notify_one();
        CHECK(queue.notified() == 1);
        CHECK(!queue.empty());
        queue.notify_one();  // the next, not the same again
        CHECK(queue.notified() == 2);
        co_await settle();
        CHECK(log.size() == 2);
        CHECK(queue.notified() == 0);
    });
}

TEST_CASE("a wait ends when its time has passed, also if that is in the past") {
    run([](asio::io_context& io) -> asio::awaitable<void> {
        wait_queue queue;
        std::vector<std::string> log;
        asio::co_spawn(io, wait_in(queue, "late", log, std::chrono::steady_clock::now() - 1s),
                       asio::detached);
        co_await wait_in(queue, "soon", log, std::chrono::steady_clock::now() + 1ms);
        co_await settle();
        CHECK(log == std::vector<std::string>{"late not", "soon not"});
        CHECK(queue.empty());
    });
}

TEST_CASE("a wait that is cancelled leaves the queue, and the others stay in order") {
    run([](asio::io_context& io) -> asio::awaitable<void> {
        wait_queue queue;
        std::vector<std::string> log;
        asio::co_spawn(io, wait_in(queue, "a", log), asio::detached);
        asio::cancellation_signal stop;
        asio::co_spawn(io, wait_in(queue, "b", log),
                       asio::bind_cancellation_slot(stop.slot(), asio::detached));
        asio::co_spawn(io, wait_in(queue, "c", log), asio::detached);
        co_await settle();
        stop.emit(asio::cancellation_type::terminal);
        co_await settle();
        queue.notify_all();
        co_await settle();
        CHECK(log == std::vector<std::string>{"b not", "a notified", "c notified"});
    });
}

TEST_CASE("each of those that wait can be looked at, and notified, on its own") {
    run([](asio::io_context& io) -> asio::awaitable<void> {
        wait_queue queue;
        wait_queue::waiter one(queue, io.get_executor()), two(queue, io.get_executor());
        queue.for_each([&](wait_queue::waiter& each) {
            if (&each == &two) each.notify();
        });
        CHECK(!one.is_notified());
        CHECK(two.is_notified());
        CHECK(queue.notified() == 1);
        co_return;
    });
}

TEST_CASE("coroutines that wait go with their context") {
    wait_queue queue;
    std::vector<std::string> log;
    {
        asio::io_context io;
        asio::co_spawn(io, wait_in(queue, "a", log), asio::detached);
        io.poll();
        CHECK(!queue.empty());
    }
    CHECK(queue.empty());
    CHECK(log.empty());
}

}  // namespace
