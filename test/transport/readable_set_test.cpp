// SPDX-License-Identifier: MIT
// Waits of many descriptors at once.
#include "support/connected_ends.hpp"
#include "support/coroutine.hpp"

#include "base/unique_fd.hpp"
#include "polling/readable_set.hpp"
#include "transport/fifo.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <memory>
#include <stdexcept>
#include <vector>

namespace {

using namespace test;
using remora::detail::unique_fd;
using remora::detail::watched_descriptor;

struct watched_pipe {
    explicit watched_pipe(const asio::any_io_executor& executor) {
        int ends[2];
        REQUIRE(::pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0);
        reader = unique_fd(ends[0]);
        writer = unique_fd(ends[1]);
        watched = std::make_unique<watched_descriptor>(executor, reader.get());
    }
    void write() const { REQUIRE(::write(writer.get(), "x", 1) == 1); }
    bool read() const {
        watched->clear_news();
        char byte;
        return ::read(reader.get(), &byte, 1) == 1;
    }

    unique_fd reader, writer;
    std::unique_ptr<watched_descriptor> watched;
};

std::vector<watched_pipe> make_pipes(const asio::any_io_executor& executor, std::size_t count) {
    std::vector<watched_pipe> made;
    for (std::size_t i = 0; i != count; ++i)
        made.emplace_back(executor);
    return made;
}

// Waits until it has read so many bytes.
asio::awaitable<void> take(watched_pipe& from, int bytes) {
    while (bytes != 0) {
        if (from.read())
            --bytes;
        else
            co_await from.watched->wait();
    }
}

struct waiter {
    bool done = false;
    void start(const asio::any_io_executor& executor, asio::awaitable<void> what) {
        asio::co_spawn(executor, std::move(what), [this](std::exception_ptr) { done = true; });
    }
};

asio::awaitable<void> some_turns() {
    for (int i = 0; i != 10; ++i)
        co_await asio::post(asio::use_awaitable);
}

TEST_CASE("a few descriptors wait alone, and so does a second waiter") {
    run([](asio::io_context& io) -> asio::awaitable<void> {
        auto pipes = make_pipes(io.get_executor(), 3);
        CHECK(!pipes[0].watched->can_wait());
        pipes.emplace_back(io.get_executor());
        CHECK(pipes[0].watched->can_wait());
        waiter first;
        first.start(io.get_executor(), take(pipes[0], 1));
        co_await some_turns();
        CHECK(!pipes[0].watched->can_wait());
        pipes[0].write();
        while (!first.done)
            co_await asio::post(asio::use_awaitable);
        CHECK(pipes[0].watched->can_wait());
    });
}

TEST_CASE("each of many descriptors is told of what comes to it") {
    run([](asio::io_context& io) -> asio::awaitable<void> {
        constexpr std::size_t count = 200;  // more than one epoll_wait tells of
        auto pipes = make_pipes(io.get_executor(), count);
        std::vector<waiter> waiters(count);
        for (std::size_t i = 0; i != count; ++i)
            waiters[i].start(io.get_executor(), take(pipes[i], 3));
        for (int byte = 0; byte != 3; ++byte) {
            for (const auto& each : pipes)
                each.write();
            co_await some_turns();
        }
        for (const auto& each : waiters)
            CHECK(each.done);
    });
}

TEST_CASE("what has come while nobody waited is no wait") {
    run([](asio::io_context& io) -> asio::awaitable<void> {
        auto pipes = make_pipes(io.get_executor(), 4);
        waiter other;
        other.start(io.get_executor(), take(pipes[1], 1));
        pipes[0].write();
        co_await some_turns();  // meanwhile the set is told of it
        co_await pipes[0].watched->wait();
        CHECK(pipes[0].read());
        pipes[1].write();
        co_await some_turns();
        CHECK(other.done);
    });
}

TEST_CASE("the end of the writers ends a wait") {
    run([](asio::io_context& io) -> asio::awaitable<void> {
        auto pipes = make_pipes(io.get_executor(), 4);
        waiter first;
        first.start(io.get_executor(), pipes[0].watched->wait());
        co_await some_turns();
        CHECK(!first.done);
        pipes[0].writer.reset();
        co_await some_turns();
        CHECK(first.done);
    });
}

TEST_CASE("an end that comes with the last bytes is told with them") {
    run([](asio::io_context& io) -> asio::awaitable<void> {
        auto pipes = make_pipes(io.get_executor(), 4);
        waiter first;
        first.start(io.get_executor(), pipes[0].watched->wait());
        co_await some_turns();
        pipes[0].write();
        pipes[0].writer.reset();
        co_await some_turns();
        CHECK(first.done);
        CHECK(pipes[0].watched->has_hung_up());
        CHECK(!pipes[1].watched->has_hung_up());
    });
}

TEST_CASE("a FIFO whose end came with the last bytes is read to its end") {
    run([](asio::io_context& io) -> asio::awaitable<void> {
        using namespace remora::detail;
        std::vector<std::unique_ptr<transport>> ours;
        std::vector<fifo_ends> theirs;
        for (int i = 0; i != 4; ++i) {
            auto [one, other] = test::make_connected_ends();
            ours.push_back(make_fifo_transport(io.get_executor(), std::move(one)));
            theirs.push_back(std::move(other));
        }
        std::error_code ec;
        waiter first;
        first.start(io.get_executor(), ours[0]->wait(transport::readiness::readable, ec));
        co_await some_turns();
        REQUIRE(::write(theirs[0].out.get(), "x", 1) == 1);
        theirs[0] = {};
        co_await some_turns();
        CHECK(first.done);
        CHECK(ours[0]->fetch(1) == transport::fetched::more);
        CHECK(!ours[0]->may_skip_fetch());
        CHECK(ours[0]->fetch(2) == transport::fetched::end);
    });
}

TEST_CASE("a wait ends by cancel, by close and by a signal; and then nothing goes on") {
    run([](asio::io_context& io) -> asio::awaitable<void> {
        auto pipes = make_pipes(io.get_executor(), 5);
        std::vector<waiter> waiters(2);
        for (std::size_t i = 0; i != 2; ++i)
            waiters[i].start(io.get_executor(), pipes[i].watched->wait());
        asio::cancellation_signal stop;
        bool stopped = false;
        asio::co_spawn(
            io, pipes[2].watched->wait(),
            asio::bind_cancellation_slot(stop.slot(), [&](std::exception_ptr) { stopped = true; }));
        co_await some_turns();
        pipes[0].watched->cancel();
        pipes[1].watched->close();
        stop.emit(asio::cancellation_type::all);
        co_await some_turns();
        CHECK(waiters[0].done);
        CHECK(waiters[1].done);
        CHECK(stopped);
        CHECK(pipes[0].watched->can_wait());
        waiter again;
        again.start(io.get_executor(), take(pipes[0], 1));
        pipes[0].write();
        co_await some_turns();
        CHECK(again.done);
    });
}

TEST_CASE("an exception out of one that was waited for holds up no other") {
    asio::io_context io;
    auto pipes = make_pipes(io.get_executor(), 4);
    std::vector<waiter> waiters(2);
    const auto wait = [&](std::size_t i) {
        waiters[i].start(io.get_executor(), take(pipes[i], 1));
    };
    wait(0);
    for (const std::size_t i : {2u, 3u}) {
        asio::co_spawn(io, take(pipes[i], 1),
                       [](std::exception_ptr) { throw std::runtime_error("of the user's"); });
    }
    wait(1);
    io.poll();
    for (const auto& each : pipes)
        each.write();
    CHECK_THROWS(io.run_for(patience));  // with both, or with one after the other
    try {
        io.run_for(patience);
    } catch (const std::runtime_error&) {
        io.run_for(patience);
    }
    CHECK(io.stopped());
    CHECK(waiters[0].done);
    CHECK(waiters[1].done);
}

TEST_CASE("a context that ends destroys what waits") {
    auto held = std::make_shared<int>(1);
    const std::weak_ptr<int> seen = held;
    {
        asio::io_context io;
        auto pipes = make_pipes(io.get_executor(), 4);
        const auto body = [](std::unique_ptr<std::vector<watched_pipe>> own,
                             std::shared_ptr<int>) -> asio::awaitable<void> {
            co_await own->front().watched->wait();
        };
        auto own = std::make_unique<std::vector<watched_pipe>>(std::move(pipes));
        asio::co_spawn(io, body(std::move(own), std::move(held)), asio::detached);
        io.poll();
        CHECK(!seen.expired());
    }
    CHECK(seen.expired());
}

TEST_CASE("where there is no descriptor for a set, each waits alone") {
    run([](asio::io_context& io) -> asio::awaitable<void> {
        auto pipes = make_pipes(io.get_executor(), 3);
        pipes.reserve(4);
        unique_fd next(::dup(0));
        rlimit before{};
        ::getrlimit(RLIMIT_NOFILE, &before);
        const rlimit none{static_cast<rlim_t>(next.get() + 2), before.rlim_max};
        next.reset();
        ::setrlimit(RLIMIT_NOFILE, &none);
        pipes.emplace_back(io.get_executor());
        ::setrlimit(RLIMIT_NOFILE, &before);
        CHECK(!pipes[0].watched->can_wait());
        co_return;
    });
}

}  // namespace
