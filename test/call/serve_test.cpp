// SPDX-License-Identifier: MIT
// A pipe that serves: from when on, until when, and what ends it.
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

TEST_CASE("two services on one pipe are refused") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        auto [near, far] = remora::make_pipe_pair(io);
        far.attach(many_answers());
        CHECK(failure_of([&] { far.attach(many_answers()); }).code == errc::bad_option);
        CHECK(failure_of([&] { near.attach(service({.max_in_flight = 0})); }).code ==
              errc::bad_option);
        co_return;
    });
}

TEST_CASE("a request that has arrived before the service is served by it") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        add q{2, 3};
        background early(near.get_executor(), near.call(q));
        co_await settle();
        far.attach(many_answers());
        const auto outcome = co_await early.result();
        CHECK(outcome.text == "");
    });
}

TEST_CASE("when a pipe has finished, the state that its handlers hold is gone") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        std::atomic<int> living = 0;
        far.attach(session::serve(living));
        wait_for_ever q;
        background waiting(near.get_executor(), near.call(q));
        co_await near.call<add>(1, 2);
        const auto three = co_await near.call<add>(0, 0);
        CHECK(three.value == 3);
        CHECK(living == 2);  // with the handler
        background end(far.get_executor(), far.finished());
        co_await near.close();
        (void)co_await waiting.result();
        (void)co_await end.result();
        CHECK(living == 0);
        CHECK(failure_of([&] { far.attach(many_answers()); }).code == errc::bad_option);
    });
}

TEST_CASE("serve() does nothing before it is awaited") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        {
            const auto never = far.serve(service());
        }
        service s;
        s.on([](add q) { return sum{q.a + q.b}; });
        far.attach(s);
        const auto two = co_await near.call<add>(1, 1);
        CHECK(two.value == 2);
        background end(far.get_executor(), far.finished());
        co_await near.close();
        const auto why = co_await end.result();
        CHECK(why.text == "");
    });
}

TEST_CASE("serve() completes when the pipe ends, after its handlers") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        background serving(near.get_executor(), far.serve(many_answers()));
        wait_for_ever q;
        background call(near.get_executor(), near.call(q));
        while (far.counts().running_handlers != 1)
            co_await settle();
        co_await near.close();
        const auto end = co_await serving.result();
        CHECK(end.text == "");
        CHECK(far.counts().running_handlers == 0);
        const auto failure = co_await call.result();
        CHECK(failure.code == errc::closed);
    });
}

TEST_CASE("an exception ends the connection where the service says so") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        service s({.end_on_exception = true});
        s.on(failing);
        background serving(near.get_executor(), far.serve(s));
        const auto answer = co_await outcome_of(near.call<fail_with>(0, "fatal"));
        CHECK(answer.kind == failure_kind::failed);
        const auto end = co_await failure_of(serving.result());
        const auto next = co_await outcome_of(near.call<fail_with>(0, "again"));
        CHECK(next.kind == failure_kind::gone);
        CHECK(next.code == errc::service_failed);
    });
}

asio::awaitable<failure_kind> kind_of(asio::awaitable<sum> call) {
    try {
        co_await std::move(call);
    } catch (const remora::remote_error& e) {
        co_return e.kind();
    }
    co_return failure_kind{};
}

TEST_CASE("a caller's fault does not end the connection, even where exceptions do") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        service s({.end_on_exception = true});
        s.on(for_ever);
        s.on([](add q) { return sum{q.a + q.b}; });
        far.attach(s);
        const auto unknown = co_await kind_of(near.call<unheard_of>());
        CHECK(unknown == failure_kind::unknown_request);
        wait_for_ever q;
        const auto late = co_await kind_of(near.call(q, {.timeout = 2ms}));
        CHECK(late == failure_kind::timed_out);
        while (near.counts().calls != 0)
            co_await settle();
        const auto two = co_await near.call<add>(1, 1);
        CHECK(two.value == 2);
    });
}

TEST_CASE("an exception of any type ends the connection, and every call on it") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        service waits, throws({.end_on_exception = true});
        waits.on(for_ever);
        throws.on([](fail_with) -> sum { throw 42; });
        near.attach(waits);
        far.attach(throws);
        wait_for_ever q;
        background pending(far.get_executor(), far.call(q));
        co_await settle();
        const auto answer = co_await failure_of(near.call<fail_with>(0, ""));
        CHECK(answer.has("it has thrown what is no std::exception"));
        const auto end = co_await pending.result();
        CHECK(end.code == errc::service_failed);
    });
}

}  // namespace
