// SPDX-License-Identifier: MIT
// What a handler knows of the call that it serves, and what its own calls inherit.
#include "support/calls.hpp"
#include "support/pairs.hpp"

#include <remora/pipe.hpp>

using namespace test;

namespace {

using remora::errc;
using remora::generator;
using remora::pipe;
using remora::served_call;
using remora::service;

using std::chrono::nanoseconds;

TEST_CASE("a handler knows how long its caller waits, and the calls that it makes inherit that") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        far.attach(service().on(tell_time));
        near.attach(service().on(tell_time));
        for (const bool pass_on : {false, true}) {
            const auto hour = co_await near.call<ask_time>({.timeout = 1h}, pass_on);
            CHECK(hour.value <= nanoseconds(1h).count());
            CHECK(hour.value > nanoseconds(30min).count());
            const auto unlimited = co_await near.call<ask_time>(pass_on);
            CHECK(unlimited.value == nanoseconds::max().count());
        }
        CHECK(near.is_open());
        CHECK(far.is_open());
    });
}

TEST_CASE("a call without a deadline of its own has that of its pipe") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        far.attach(service().on(tell_time).on(for_ever));
        near.set_default_timeout(2h);
        const auto two = co_await near.call<ask_time>(false);
        CHECK(two.value <= nanoseconds(2h).count());
        const auto three = co_await near.call<ask_time>({.timeout = 3h}, false);
        CHECK(three.value > nanoseconds(2h).count());
        near.set_default_timeout(1ms);
        const auto late = co_await failure_of(near.call<wait_for_ever>());
        CHECK(late.code == code(errc::timed_out));
    });
}

generator<number> count_in_time(count_up) {
    const auto call = co_await remora::this_call();
    co_yield remora::item<number>(call.time_left().count());
}

TEST_CASE("a generator knows how long its caller waits") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        far.attach(service().on(count_in_time));
        auto items = co_await near.stream<count_up>({.timeout = 1h}, 1);
        const auto left = co_await items.next();
        CHECK(left->value <= nanoseconds(1h).count());
        CHECK(left->value > nanoseconds(30min).count());
        const auto end = co_await items.next();
        CHECK(!end);
    });
}

TEST_CASE("a handler knows when nobody waits for its answer any more") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        bool began = false, ended = false;
        far.attach(service().on([&](wait_for_ever) -> asio::awaitable<sum> {
            const auto call = co_await remora::this_call();
            CHECK(call.deadline() == served_call::clock::time_point::max());
            CHECK(!call.is_cancelled());
            began = true;
            co_await asio::this_coro::throw_if_cancelled(false);
            std::error_code ec;
            asio::steady_timer never(co_await asio::this_coro::executor,
                                     std::chrono::steady_clock::time_point::max());
            co_await never.async_wait(asio::redirect_error(asio::use_awaitable, ec));
            CHECK(call.is_cancelled());
            ended = true;
            co_return sum{};
        }));
        background call(co_await asio::this_coro::executor, near.call<wait_for_ever>());
        while (!began)
            co_await settle();
        call.cancel();
        (void)co_await call.result();
        while (!ended)
            co_await settle();
        CHECK(far.is_open());
    });
}

TEST_CASE("outside of handlers there is no call") {
    test::run([](asio::io_context&) -> asio::awaitable<void> {
        const auto none = co_await failure_of(remora::this_call());
        CHECK(none.code == code(errc::bad_option));
    });
}

}  // namespace
