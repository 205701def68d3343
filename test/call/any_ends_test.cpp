// SPDX-License-Identifier: MIT
// How calls end that a proxy passes on: cancelled, too late, held back, or with one of the pipes.
#include "call/counting.hpp"
#include "call/many_answers.hpp"
#include "call/outcome.hpp"
#include "call/proxied.hpp"
#include "call/scene.hpp"

using namespace test;

namespace {

using remora::errc;
using remora::failure_kind;
using remora::pipe;
using remora::service;

/// How many numbers there can be on their way where nobody takes them: those of two windows, and
/// one more for each of three waits.
constexpr int most_items = 2 * (256 << 10) / (24 + 14) + 3;

asio::awaitable<void> serving(proxied& p, std::size_t count) {
    while (p.server.counts().running_handlers != count)
        co_await settle();
}

TEST_CASE("cancelling a call cancels its handler behind the proxy") {
    over_proxies([](proxied& p) -> asio::awaitable<void> {
        p.serve(many_answers());
        const wait_for_ever q;
        background call(p.app.get_executor(), p.app.call(q));
        co_await serving(p, 1);
        call.cancel();
        const auto failed = co_await call.result();
        CHECK(failed.code == asio::error::operation_aborted);
        co_await p.settled();
        const auto fine = co_await p.app.call<add>(1, 1);
        CHECK(fine.value == 2);
    });
}

TEST_CASE("a handler that is cancelled at its own end is so for a caller before the proxy") {
    over_proxies([](proxied& p) -> asio::awaitable<void> {
        p.serve(many_answers());
        const fail_with q{4, ""};
        const auto failed = co_await outcome_of(p.app.call(q));
        CHECK(failed.kind == failure_kind::cancelled);
        co_await p.settled();
    });
}

TEST_CASE("dropping a stream cancels its producer behind the proxy") {
    over_proxies([](proxied& p) -> asio::awaitable<void> {
        trace seen;
        p.serve(counter(seen, true));
        for (const int take : {0, 1, 100}) {
            auto numbers = co_await p.app.stream<count_up>(1'000'000);
            for (int i = 0; i != take; ++i)
                co_await numbers.next();
            numbers = {};
            co_await p.settled();
            CHECK(seen.is_gone);
            CHECK(seen.yielded < 1'000'000);
        }
    });
}

TEST_CASE("cancelling a call with an upload ends it on both sides of the proxy") {
    over_proxies([](proxied& p) -> asio::awaitable<void> {
        p.serve(uploads_taken());
        for (const auto produce : {endless, stuck}) {
            scene s;
            const add_up q;
            background call(p.app.get_executor(), call_uploading(p.app, s, produce, q, {}));
            co_await serving(p, 1);
            while (s.turns < 3 && produce == endless)
                co_await settle();
            call.cancel();
            const auto failed = co_await call.result();
            CHECK(failed.code == asio::error::operation_aborted);
            co_await p.settled();
            check_ended(s);
        }
    });
}

TEST_CASE("cancelling a call that waits for its turn behind the proxy sends nothing there") {
    over_proxies([](proxied& p) -> asio::awaitable<void> {
        service s({.max_in_flight = 1});
        s.on(for_ever).on([](add q) { return sum{q.a + q.b}; });
        p.serve(s);
        const wait_for_ever q;
        background first(p.app.get_executor(), p.app.call(q));
        co_await serving(p, 1);
        background second(p.app.get_executor(), p.app.call<add>(1, 1));
        while (p.front.counts().running_handlers != 2)
            co_await settle();
        second.cancel();
        CHECK((co_await second.result()).code == asio::error::operation_aborted);
        while (p.front.counts().running_handlers != 1)
            co_await settle();
        CHECK(p.back.counts().calls == 1);
        first.cancel();
        co_await first.result();
        co_await p.settled();
    });
}

TEST_CASE("the time limit of a caller goes on behind the proxy") {
    over_proxies([](proxied& p) -> asio::awaitable<void> {
        p.serve(many_answers().on(tell_time));
        const ask_time q;
        const auto left = co_await p.app.call(q, {.timeout = 60s});
        CHECK(left.value > 0);
        CHECK(left.value <= std::chrono::nanoseconds(60s).count());
        const auto none = co_await p.app.call(q);
        CHECK(none.value == std::chrono::nanoseconds::max().count());
        const wait_for_ever never;
        const auto late = co_await outcome_of(p.app.call(never, {.timeout = 5ms}));
        CHECK(late.kind == failure_kind::timed_out);
        co_await p.settled();
    });
}

TEST_CASE("what a handler calls in bytes has no more time than its caller") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        auto [app, front] = remora::make_pipe_pair(io);
        auto [back, server] = remora::make_pipe_pair(io);
        server.attach(many_answers().on(tell_time));
        front.attach(service().on_any(
            [&to = back](remora::any_call call) -> asio::awaitable<remora::any_answer> {
                co_return co_await to.call_bytes(call.request());
            }));
        const ask_time q;
        const auto left = co_await app.call(q, {.timeout = 60s});
        CHECK(left.value <= std::chrono::nanoseconds(60s).count());
        const auto ask = remora::any_value::of(q);
        const auto late = co_await outcome_of(back.call_bytes(ask, {.timeout = 0s}));
        CHECK(late.kind == failure_kind::timed_out);
        CHECK(back.counts().calls_made == 1);
    });
}

/// One item, then a wait without end.
remora::generator<remora::any_value> stuck_in_bytes(scene& s) {
    const user here(s);
    const auto one = remora::any_value::of(number{1});
    co_yield one;
    co_await until_cancelled(s);
    co_yield one;
}
asio::awaitable<void> call_uploading_bytes(pipe& to, scene& s, add_up q, remora::call_options how) {
    struct leaving {
        scene& of;
        ~leaving() { of.is_over = true; }
    } const left{s};
    const auto request = remora::any_value::of(q);
    auto answer = co_await to.call_bytes(request, stuck_in_bytes(s), how);
    REQUIRE(answer.value() != nullptr);
    CHECK(answer.value()->as<sum>().value == 1);
}

TEST_CASE("a call in bytes returns when its upload has ended, however it ends") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        far.attach(uploads_taken());
        scene answered, late, cancelled;
        co_await call_uploading_bytes(near, answered, add_up{1}, {});
        check_ended(answered);
        const auto failed =
            co_await failure_of(call_uploading_bytes(near, late, add_up{}, {.timeout = 2ms}));
        CHECK(failed.code == code(errc::timed_out));
        check_ended(late);
        background call(near.get_executor(), call_uploading_bytes(near, cancelled, add_up{}, {}));
        while (far.counts().running_handlers == 0 || !cancelled.is_used)
            co_await settle();
        call.cancel();
        CHECK((co_await call.result()).code == asio::error::operation_aborted);
        check_ended(cancelled);
        while (near.counts().calls + far.counts().running_handlers != 0)
            co_await settle();
    });
}

TEST_CASE("a limit that a proxy sets is a time-out for its caller") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        auto [app, front] = remora::make_pipe_pair(io);
        auto [back, server] = remora::make_pipe_pair(io);
        server.attach(many_answers());
        front.attach(service().on_any([&to = back](remora::any_call call) {
            return to.pass_on(std::move(call), {.timeout = 1ms});
        }));
        const wait_for_ever never;
        const auto late = co_await outcome_of(app.call(never));
        CHECK(late.kind == failure_kind::timed_out);
        CHECK(late.code == errc::timed_out);
        while (server.counts().running_handlers != 0)
            co_await settle();
    });
}

TEST_CASE("a consumer that does not read stops the producer behind the proxy") {
    over_proxies([](proxied& p) -> asio::awaitable<void> {
        trace seen;
        p.serve(counter(seen, false));
        auto numbers = co_await p.app.stream<count_up>(1'000'000);
        std::int64_t before = -1;
        while (before != seen.yielded || before == 0) {
            before = seen.yielded;
            for (int i = 0; i != 20; ++i)
                co_await settle();
        }
        CHECK(seen.yielded <= most_items);
        CHECK(p.front.counts().queued == 0);
        const auto other = co_await p.app.call<add>(1, 1);
        CHECK(other.value == 2);
        for (std::int64_t i = 0; i != 20'000; ++i) {
            const auto n = co_await numbers.next();
            REQUIRE(n);
            REQUIRE(n->value == i);
        }
        CHECK(seen.yielded > 20'000);
        CHECK(seen.yielded < 60'000);
        numbers = {};
        co_await p.settled();
    });
}

/// Takes nothing of its upload.
asio::awaitable<sum> takes_nothing(add_up, remora::stream<number>) {
    const wait_for_ever q;
    co_return co_await for_ever(q);
}

TEST_CASE("a handler that does not read stops the upload before the proxy") {
    over_proxies([](proxied& p) -> asio::awaitable<void> {
        p.serve(service().on(takes_nothing));
        scene s;
        background call(p.app.get_executor(), call_uploading(p.app, s, endless, add_up{}, {}));
        int before = -1;
        while (before != s.turns || before == 0) {
            before = s.turns;
            for (int i = 0; i != 20; ++i)
                co_await settle();
        }
        CHECK(s.turns <= most_items);
        call.cancel();
        co_await call.result();
        co_await p.settled();
        check_ended(s);
    });
}

/// Sends messages until the other side does not take any more.
asio::awaitable<std::int64_t> flood(pipe& p, const blob& b) {
    for (std::int64_t sent = 0;; ++sent) {
        background sending(p.get_executor(), p.send(b));
        for (int i = 0; i != 50 && !sending.done(); ++i)
            co_await settle();
        if (sending.done()) continue;
        sending.cancel();
        co_await sending.result();
        co_return sent;
    }
}

TEST_CASE("messages that the other side of a proxy does not take stop their sender") {
    over_proxies([](proxied& p) -> asio::awaitable<void> {
        p.front.attach(passing_to(p.back));  // nobody reads from p.server
        const auto sent = co_await flood(p.app, make_blob(1, 10'000));
        CHECK(p.front.counts().running_handlers == 1024);
        CHECK(sent < 1024 + 2 * (1 << 20) / 10'000 + 500);
        std::int64_t taken = 0;
        const blob last = make_blob(2, 1);
        background sending(p.app.get_executor(), p.app.send(last));
        for (bool more = true; more; ++taken) {
            const auto b = co_await p.server.receive<blob>();
            more = b.number == 1;
        }
        CHECK(taken >= sent);
        CHECK(!(co_await sending.result()).code);
        while (p.front.counts().running_handlers != 0)
            co_await settle();
    });
}

TEST_CASE("messages that wait at a proxy end with its pipe") {
    over_proxies([](proxied& p) -> asio::awaitable<void> {
        p.front.attach(passing_to(p.back));
        co_await flood(p.app, make_blob(1, 10'000));
        background ending(p.front.get_executor(), p.front.finished());
        co_await settle();
        co_await p.front.close();
        co_await ending.result();
        CHECK(p.front.counts().running_handlers == 0);
    });
}

TEST_CASE("when the pipe behind the proxy ends calls fail as gone, and the proxy goes on") {
    over_proxies([](proxied& p) -> asio::awaitable<void> {
        trace seen;
        p.serve(many_answers().on([&seen](count_up q) { return counting(q, seen, true); }));
        const wait_for_ever q;
        background call(p.app.get_executor(), p.app.call(q));
        auto numbers = co_await p.app.stream<count_up>(1'000'000);
        co_await numbers.next();
        co_await serving(p, 2);
        p.server = {};
        const auto failed = co_await call.result();
        CHECK(failed.code == code(errc::closed));
        const auto late = co_await outcome_of(p.app.call<add>(1, 1));
        CHECK(late.kind == failure_kind::gone);
        std::optional<outcome<std::optional<number>>> last;
        while (!last || last->value)
            last = co_await outcome_of(numbers.next());
        CHECK(last->kind == failure_kind::gone);
        CHECK(p.app.is_open());
        while (p.front.counts().running_handlers != 0)
            co_await settle();
    });
}

TEST_CASE("when the pipe before the proxy ends the handlers behind it are cancelled") {
    over_proxies([](proxied& p) -> asio::awaitable<void> {
        trace seen;
        p.serve(
            many_answers().on([&seen](count_up q) { return counting(q, seen, true); }).on(add_all));
        const wait_for_ever q;
        scene s;
        background call(p.app.get_executor(), p.app.call(q));
        background upload(p.app.get_executor(), call_uploading(p.app, s, stuck, add_up{}, {}));
        auto numbers = co_await p.app.stream<count_up>(1'000'000);
        co_await numbers.next();
        co_await serving(p, 3);
        p.app = {};
        co_await call.result();
        co_await upload.result();
        while (p.server.counts().running_handlers + p.back.counts().calls != 0)
            co_await settle();
        CHECK(seen.is_gone);
        CHECK(p.back.is_open());
        const auto fine = co_await p.back.call<add>(1, 1);
        CHECK(fine.value == 2);
    });
}

TEST_CASE("an upload that a handler asks for after the end of the pipe has failed as gone") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        auto [near, far] = remora::make_pipe_pair(io);
        outcome<std::optional<remora::any_value>> item;
        far.attach(
            service().on_any([&item](remora::any_call call) -> asio::awaitable<remora::any_answer> {
                const wait_for_ever q;
                co_await failure_of(for_ever(q));
                co_await asio::this_coro::reset_cancellation_state();
                auto upload = call.upload();
                item = co_await outcome_of(upload.next());
                co_return remora::any_answer();
            }));
        background call(near.get_executor(), near.call<add>(1, 1));
        while (far.counts().running_handlers == 0)
            co_await settle();
        near = {};
        co_await call.result();
        co_await far.finished();
        CHECK(item.kind == failure_kind::gone);
    });
}

TEST_CASE("a call is not passed on to a pipe with another executor, nor is a message") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        auto [app, front] = remora::make_pipe_pair(io);
        auto [back, server] = remora::make_pipe_pair(asio::make_strand(io));
        server.attach(many_answers());
        std::vector<failure> seen;
        front.attach(service().on_any(
            [&seen, &to = back](remora::any_call call) -> asio::awaitable<remora::any_answer> {
                auto why = co_await failure_of(to.pass_on(std::move(call)));
                seen.push_back(std::move(why));
                co_return remora::any_answer();
            }));
        co_await app.send<number>(1);
        const remember q{1};
        co_await app.call(q);
        REQUIRE(seen.size() == 2);
        for (const auto& why : seen) {
            CHECK(why.code == code(errc::bad_option));
            CHECK(why.has("executor"));
        }
        CHECK(back.counts().calls_made + back.counts().sent.messages == 0);
    });
}

asio::awaitable<remora::any_answer> pass_to_new_pipe(remora::any_call call) {
    auto [back, server] = remora::make_pipe_pair(co_await asio::this_coro::executor);
    server.attach(many_answers());
    auto answer = co_await back.pass_on(std::move(call));
    co_return answer;
}

TEST_CASE("a handler may pass a call on to a pipe that it has opened") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        auto [app, front] = remora::make_pipe_pair(io);
        front.attach(service().on_any(pass_to_new_pipe));
        for (int i = 0; i != 2; ++i)
            CHECK((co_await app.call<add>(3, 4)).value == 7);
    });
}

}  // namespace
