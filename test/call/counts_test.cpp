// SPDX-License-Identifier: MIT
// What an end of a pipe counts.
#include "call/counting.hpp"
#include "call/many_answers.hpp"
#include "call/outcome.hpp"
#include "support/pairs.hpp"

#include <remora/pipe.hpp>

using namespace test;

namespace {

using remora::pipe;
using remora::pipe_counts;
using remora::wait_policy;

constexpr std::size_t frame_of_a_number = 24 + 4;  // a header, and a record of one small field

TEST_CASE("a pipe counts the messages and bytes of each direction once") {
    over_every_transport([](pipe a, pipe b) -> asio::awaitable<void> {
        for (int i = 0; i != 3; ++i)
            co_await a.send<number>(i);
        const auto one = co_await b.receive<number>();
        CHECK(one.value == 0);
        co_await b.readable();
        CHECK(b.counts().received.messages == 1);  // looked at is not taken
        CHECK(b.skip());
        co_await b.receive<number>();
        co_await b.send<number>(1);
        co_await a.receive<number>();
        CHECK(a.counts().sent.messages == 3);
        CHECK(b.counts().received.messages == 3);
        CHECK(b.counts().sent.messages == 1);
        CHECK(a.counts().received.messages == 1);
        CHECK(a.counts().sent.bytes >= 3 * frame_of_a_number);
        CHECK(a.counts().sent.bytes == b.counts().received.bytes);
        CHECK(b.counts().sent.bytes == a.counts().received.bytes);
        CHECK(a.counts().queued == 0);
        CHECK(a.counts().peak_queued == 0);
        CHECK(a.counts().calls_made == 0);
    });
}

TEST_CASE("a pipe counts calls that were made, served, and failed on either side") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        far.attach(many_answers());
        co_await near.call<add>(2, 3);
        co_await near.call<add_later>(4, 5, 3u);
        co_await failure_of(near.call<fail_with>(0, "no"));
        co_await failure_of(near.call<unheard_of>());
        const pipe_counts made = near.counts(), served = far.counts();
        CHECK(made.calls_made == 4);
        CHECK(made.calls_failed == 2);
        CHECK(made.calls_served == 0);
        CHECK(served.calls_served == 4);
        CHECK(served.served_failed == 2);
        CHECK(served.calls_made == 0);
        CHECK(made.sent.messages == 0);  // requests and answers are no messages
        CHECK(made.sent.bytes == served.received.bytes);
    });
}

TEST_CASE("a call that is cancelled, or cut off by the end, has failed once") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        far.attach(many_answers());
        co_await failure_of(near.call<wait_for_ever>({.timeout = 1ms}));
        while (near.counts().calls != 0)  // the late answer is not counted again
            co_await asio::post(near.get_executor(), asio::use_awaitable);
        CHECK(near.counts().calls_failed == 1);
        background waiting(near.get_executor(), near.call<wait_for_ever>());
        while (far.counts().running_handlers == 0)
            co_await asio::post(near.get_executor(), asio::use_awaitable);
        co_await far.close();
        co_await waiting.result();
        CHECK(near.counts().calls_made == 2);
        CHECK(near.counts().calls_failed == 2);
    });
}

TEST_CASE("a pipe counts the items of streams and uploads in the direction that they take") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        trace seen;
        far.attach(counter(seen, false));
        const auto taken = co_await take_all(co_await near.stream<count_up>(10));
        CHECK(taken == 10);
        CHECK(far.counts().sent.items == 10);
        CHECK(near.counts().received.items == 10);
        CHECK(near.counts().sent.items == 0);
        CHECK(near.counts().calls_made == 1);
        CHECK(near.counts().calls_failed == 0);
    });
}

TEST_CASE("what waits for room is counted, and what is taken back is not") {
    over_every_transport([](pipe a, pipe b) -> asio::awaitable<void> {
        const blob big = make_blob(1, 2'000'000);
        background sending(a.get_executor(), a.send(big));
        co_await settle();
        CHECK(a.counts().peak_queued >= a.counts().queued);
        const number n{7};
        {
            background second(a.get_executor(), a.send(n));
            co_await settle();
            second.cancel();
            co_await second.result();
        }
        const pipe_counts full = a.counts();
        CHECK(full.queued > 0);
        CHECK(full.peak_queued >= full.queued);
        CHECK(full.sent.bytes > 0);
        CHECK(full.sent.messages == 1);
        co_await b.receive<blob>();
        co_await sending.result();
        CHECK(a.counts().queued == 0);
        CHECK(a.counts().peak_queued == full.peak_queued);
        CHECK(a.counts().sent.bytes == b.counts().received.bytes);
        CHECK(a.counts().sent.polled + a.counts().sent.slept > 0);
    });
}

TEST_CASE("bytes that never leave are not counted as sent") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        auto [a, b] = sized_pair(io, 4096);
        const blob big = make_blob(1, 2'000'000);
        {
            background sending(io.get_executor(), a.send(big));
            co_await settle();
            b = pipe();
            co_await sending.result();
        }
        CHECK(a.counts().sent.bytes < big.bytes.size());
        CHECK(a.counts().queued == 0);
    });
}

TEST_CASE("a wait that sleeps is told from one that finds something before") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        for (const auto how : {wait_policy::block, wait_policy::spin}) {
            auto [a, b] = shared_pair(io, 4096, how);
            background waiting(io.get_executor(), b.receive<number>());
            co_await settle();
            co_await a.send<number>(1);
            co_await waiting.result();
            const bool sleeps = how == wait_policy::block;
            CHECK(b.counts().received.slept == (sleeps ? 1 : 0));
            CHECK(b.counts().received.polled == (sleeps ? 0 : 1));
        }
    });
}

TEST_CASE("a pipe that was never opened has counted nothing") {
    CHECK(pipe().counts().sent.bytes == 0);
    CHECK(pipe().counts().calls_made == 0);
}

}  // namespace
