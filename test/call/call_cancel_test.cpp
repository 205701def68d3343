// SPDX-License-Identifier: MIT
// Calls that are cancelled, that run out of time, or that wait for their turn.
#include "call/many_answers.hpp"
#include "call/outcome.hpp"
#include "support/pairs.hpp"

#include <remora/pipe.hpp>

using namespace test;

namespace {

using remora::errc;
using remora::failure_kind;
using remora::pipe;
using remora::service;

TEST_CASE("a cancelled call returns at once and cancels its handler") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        far.attach(many_answers());
        wait_for_ever q;
        background call(near.get_executor(), near.call(q));
        while (far.counts().running_handlers == 0)
            co_await settle();
        call.cancel();
        const auto failure = co_await call.result();
        CHECK(failure.code == asio::error::operation_aborted);
        while (near.counts().calls != 0)
            co_await settle();
        CHECK(far.counts().running_handlers == 0);
        const auto fine = co_await near.call<add>(1, 1);
        CHECK(fine.value == 2);
        CHECK(near.counts().dropped == 0);
    });
}

// Does not let itself be cancelled.
asio::awaitable<sum> deaf(add_later q) {
    const auto state = co_await asio::this_coro::cancellation_state;
    CHECK(state.cancelled() == asio::cancellation_type::none);
    co_await asio::this_coro::throw_if_cancelled(false);
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    co_return sum{q.a + q.b};
}

TEST_CASE("how one handler was cancelled, or can be, is nothing to the next one") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        service s;
        s.on(deaf);
        s.on(for_ever);
        far.attach(s);
        for (int i = 0; i != 3; ++i) {
            const auto three = co_await near.call<add_later>(1, 2);
            CHECK(three.value == 3);
            wait_for_ever q;
            background call(near.get_executor(), near.call(q));
            while (far.counts().running_handlers == 0)
                co_await settle();
            call.cancel();
            co_await call.result();
            while (near.counts().calls != 0)
                co_await settle();
            CHECK(far.counts().running_handlers == 0);
        }
    });
}

TEST_CASE("a call fails at its deadline and cancels its handler") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        far.attach(many_answers());
        wait_for_ever q;
        const auto late = co_await outcome_of(near.call(q, {.timeout = 2ms}));
        CHECK(late.kind == failure_kind::timed_out);
        CHECK(late.code == errc::timed_out);
        CHECK(late.text == "pipe \"pair\": wait_for_ever: no reply within 2 ms: timed out");
        while (near.counts().calls != 0)
            co_await settle();
        CHECK(far.counts().running_handlers == 0);
        const auto fine = co_await near.call<add>({.timeout = 60s}, 1, 1);
        CHECK(fine.value == 2);
    });
}

TEST_CASE("handlers at work beyond the limit wait on the caller's side") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        service s({.max_in_flight = 3});
        s.on(for_ever);
        far.attach(s);
        wait_for_ever q;
        std::vector<std::unique_ptr<background>> calls;
        for (int i = 0; i != 7; ++i)
            calls.push_back(std::make_unique<background>(near.get_executor(), near.call(q)));
        while (far.counts().running_handlers != 3)
            co_await settle();
        co_await settle();
        CHECK(far.counts().running_handlers == 3);
        for (auto& call : calls) {
            call->cancel();
            co_await settle();
            CHECK(far.counts().running_handlers <= 3);
        }
        while (near.counts().calls != 0)
            co_await settle();
        CHECK(far.counts().running_handlers == 0);
    });
}

TEST_CASE("a deadline counts while a call waits for its turn") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        service s({.max_in_flight = 1});
        s.on(for_ever);
        far.attach(s);
        wait_for_ever q;
        background first(near.get_executor(), near.call(q));
        while (far.counts().running_handlers != 1)
            co_await settle();
        const auto late = co_await outcome_of(near.call(q, {.timeout = 2ms}));
        CHECK(late.kind == failure_kind::timed_out);
        CHECK(late.text.find("wait_for_ever: not sent within 2 ms, since the other end has not "
                             "answered the calls before it") != std::string::npos);
        CHECK(near.counts().calls == 1);
        first.cancel();
        co_await first.result();
    });
}

}  // namespace
