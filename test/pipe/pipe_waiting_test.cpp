// SPDX-License-Identifier: MIT
// The conformance suite of pipes: waiting, time limits, cancelling, and full pipes.
#include "support/coroutine.hpp"
#include "support/messages.hpp"
#include "support/pairs.hpp"

#include <remora/pipe.hpp>

namespace {

using namespace test;
using remora::errc;
using remora::pipe;

asio::awaitable<void> send_numbers(pipe& p, std::int64_t count) {
    for (number n{0}; n.value < count; ++n.value)
        co_await p.send(n);
}

TEST_CASE("a receive that waits gets the message that comes") {
    over_every_transport([](pipe a, pipe b) -> asio::awaitable<void> {
        background waiting(b.get_executor(), b.receive<number>());
        co_await settle();
        CHECK(!waiting.done());
        co_await a.send<number>(1);
        CHECK(!(co_await waiting.result()).code);
    });
}

TEST_CASE("a time limit ends the wait and loses nothing") {
    over_every_transport([](pipe a, pipe b) -> asio::awaitable<void> {
        CHECK((co_await failure_of(b.receive<number>({.timeout = 1ms}))).code ==
              code(errc::timed_out));
        CHECK((co_await failure_of(b.next<number>({.timeout = 0ms}))).code ==
              code(errc::timed_out));
        co_await a.send<number>(1);
        co_await b.readable();
        CHECK((co_await b.receive<number>({.timeout = 0ms})).value == 1);
    });
}

TEST_CASE("a receive that is cancelled consumes nothing") {
    over_every_transport([](pipe a, pipe b) -> asio::awaitable<void> {
        for (int i = 0; i < 100; ++i) {
            background waiting(b.get_executor(), b.receive<number>());
            if (i % 2 == 0) co_await settle();
            waiting.cancel();
            CHECK((co_await waiting.result()).code == asio::error::operation_aborted);
        }
        co_await a.send<number>(1);
        CHECK((co_await b.receive<number>()).value == 1);
    });
}

TEST_CASE("receives cancelled at random lose no message and repeat none") {
    over_every_transport([](pipe a, pipe b) -> asio::awaitable<void> {
        background sending(a.get_executor(), send_numbers(a, 3000));
        std::int64_t expected = 0;
        unsigned random = 1;
        number n;
        while (expected < 3000) {
            background taking(b.get_executor(), b.receive(n));
            random = random * 1103515245 + 12345;
            for (unsigned i = 0; i < ((random >> 16) & 3); ++i) {
                co_await asio::post(b.get_executor(), asio::use_awaitable);
            }
            taking.cancel();
            if ((co_await taking.result()).code) continue;
            REQUIRE(n.value == expected);
            ++expected;
        }
    });
}

TEST_CASE("a send on a full pipe waits for room") {
    over_every_transport([](pipe a, pipe b) -> asio::awaitable<void> {
        const blob big = make_blob(1, 2'000'000);
        background sending(a.get_executor(), a.send(big));
        co_await settle();
        CHECK(!sending.done());
        CHECK((co_await b.receive<blob>()).bytes == big.bytes);
        CHECK(!(co_await sending.result()).code);
    });
}

TEST_CASE("a cancelled send of which nothing has left is not sent") {
    over_every_transport([](pipe a, pipe b) -> asio::awaitable<void> {
        const blob first = make_blob(1, 2'000'000);
        const text second{"never"};
        background filling(a.get_executor(), a.send(first));
        background unwanted(a.get_executor(), a.send(second));
        background wanted(a.get_executor(), a.send<number>(3));
        co_await settle();
        unwanted.cancel();
        CHECK((co_await unwanted.result()).code == asio::error::operation_aborted);
        CHECK((co_await b.receive<blob>()).bytes == first.bytes);
        CHECK((co_await b.receive<number>()).value == 3);
        CHECK(!(co_await wanted.result()).code);
        co_await a.send(second);  // its type was not named to the peer yet
        CHECK((co_await failure_of(b.receive<number>())).has("\"text\""));
    });
}

TEST_CASE("a cancelled send whose first bytes have left is finished by the pipe") {
    over_every_transport([](pipe a, pipe b) -> asio::awaitable<void> {
        const blob big = make_blob(1, 2'000'000);
        background sending(a.get_executor(), a.send(big));
        co_await settle();
        sending.cancel();
        CHECK((co_await sending.result()).code == asio::error::operation_aborted);
        background more(a.get_executor(), a.send<number>(2));
        CHECK((co_await b.receive<blob>()).bytes == big.bytes);
        CHECK((co_await b.receive<number>()).value == 2);
    });
}

TEST_CASE("senders beyond the queue limit wait their turn, in order") {
    over_every_transport([](pipe a, pipe b) -> asio::awaitable<void> {
        const blob big = make_blob(1, 2'000'000);
        background filling(a.get_executor(), a.send(big));
        co_await settle();
        std::vector<background> line;
        for (int i = 0; i < 20; ++i)
            line.emplace_back(a.get_executor(), a.send<number>(i));
        co_await settle();
        line[3].cancel();
        co_await b.receive<blob>();
        for (int i = 0; i < 20; ++i) {
            if (i != 3) CHECK((co_await b.receive<number>()).value == i);
        }
        for (int i = 0; i < 20; ++i) {
            const auto ended = co_await line[static_cast<std::size_t>(i)].result();
            CHECK(static_cast<bool>(ended.code) == (i == 3));
        }
    });
}

TEST_CASE("many sends that are started in an order arrive in it") {
    over_every_transport([](pipe a, pipe b) -> asio::awaitable<void> {
        std::vector<number> numbers(500);
        std::vector<background> sends;
        for (std::size_t i = 0; i < numbers.size(); ++i) {
            numbers[i].value = static_cast<std::int64_t>(i);
            sends.emplace_back(a.get_executor(), a.send(numbers[i]));
        }
        for (std::int64_t i = 0; i < 500; ++i) {
            REQUIRE((co_await b.receive<number>()).value == i);
        }
    });
}

TEST_CASE("limits with which no pipe can work are refused") {
    asio::io_context io;
    for (const remora::pipe_limits bad :
         {remora::pipe_limits{.message = 0}, remora::pipe_limits{.message = 4095},
          remora::pipe_limits{.message = std::size_t{1} << 32}, remora::pipe_limits{.queue = 0}}) {
        const auto why = failure_of([&] { remora::make_pipe_pair(io, "pair", bad); });
        CHECK(why.code == code(errc::bad_option));
    }
}

TEST_CASE("readable tells that the next receive will not wait") {
    over_every_transport([](pipe a, pipe b) -> asio::awaitable<void> {
        background waiting(b.get_executor(), b.readable());
        co_await settle();
        CHECK(!waiting.done());
        co_await a.send<number>(1);
        CHECK(!(co_await waiting.result()).code);
        CHECK((co_await b.receive<number>({.timeout = 0ms})).value == 1);
        co_await a.close();
        co_await b.readable();
        CHECK(!co_await b.next<number>());
    });
}

TEST_CASE("sends that wait fail when the peer closes") {
    over_every_transport([](pipe a, pipe b) -> asio::awaitable<void> {
        const blob big = make_blob(1, 2'000'000);
        background sending(a.get_executor(), a.send(big));
        background behind(a.get_executor(), a.send<number>(1));
        co_await settle();
        co_await b.close();
        CHECK((co_await sending.result()).code == code(errc::closed));
        CHECK((co_await behind.result()).code == code(errc::closed));
        CHECK(!co_await a.next<number>());
        CHECK((co_await failure_of(a.send<number>(1))).code == code(errc::closed));
    });
}

TEST_CASE("a context that ends while operations wait leaves nothing behind") {
    auto io = std::make_unique<asio::io_context>();
    auto [a, b] = remora::make_pipe_pair(*io);
    const blob big = make_blob(1, 2'000'000);
    background sending(io->get_executor(), a.send(big));
    background behind(io->get_executor(), a.send<number>(1));
    background receiving(io->get_executor(), a.receive<number>());
    background closing(io->get_executor(), a.close());
    io->poll();
    {
        const pipe gone_a = std::move(a), gone_b = std::move(b);
    }
    CHECK(!sending.done());
}

}  // namespace
