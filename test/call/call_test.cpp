// SPDX-License-Identifier: MIT
#include "support/calls.hpp"
#include "support/pairs.hpp"

#include <remora/pipe.hpp>

using namespace test;

namespace {

using remora::errc;
using remora::failure_kind;
using remora::pipe;
using remora::service;

asio::awaitable<sum> add_in_a_while(add_later q) {
    for (std::uint32_t i = 0; i < q.trips; ++i)
        co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    co_return sum{q.a + q.b};
}

asio::awaitable<sum> failing(fail_with q) {
    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    switch (q.how) {
        case 0:
            throw std::runtime_error(q.text);
        case 1:
            throw std::system_error(std::make_error_code(std::errc::no_space_on_device), q.text);
        case 2:
            throw remora::error(errc::overloaded, q.text);
        case 3:
            throw std::bad_alloc();
        case 4:
            throw std::system_error(asio::error::operation_aborted);
        case 5:
            throw asio::multiple_exceptions(std::make_exception_ptr(std::runtime_error(q.text)));
        default:
            throw 42;
    }
}

struct echo_parts {
    using reply = remora::stream<blob>;
    blob what;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(what);
    }
};

service many_answers() {
    service s;
    s.on([](add q) { return sum{q.a + q.b}; });
    s.on(add_in_a_while);
    s.on(for_ever);
    s.on(failing);
    s.on([](echo e) { return std::move(e.what); });
    return s;
}

/// How a call fails.
struct call_result {
    std::optional<remora::failure_kind> kind;
    std::error_code code;
    std::string text;
    std::string message;
};

template <class T>
asio::awaitable<call_result> result_of(asio::awaitable<T> call) {
    try {
        co_await std::move(call);
    } catch (const remora::remote_error& e) {
        co_return call_result{e.kind(), e.code(), e.what(), e.message()};
    } catch (const std::system_error& e) {
        co_return call_result{{}, e.code(), e.what(), {}};
    }
    co_return call_result{};
}

TEST_CASE("a call is answered") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        far.attach(many_answers());
        const auto direct = co_await near.call<add>(2, 3);
        CHECK(direct.value == 5);
        add_later q{4, 5, 3};
        const auto later = co_await near.call(q);
        CHECK(later.value == 9);
        CHECK(near.counts().calls == 0);
        CHECK(far.counts().serving == 0);
    });
}

TEST_CASE("a request without a value to return is answered when it is done") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        std::vector<std::int64_t> seen;
        service s;
        s.on([&](remember r) { seen.push_back(r.value); });
        far.attach(s);
        co_await near.call<remember>(7);
        CHECK(seen == std::vector<std::int64_t>{7});
    });
}

TEST_CASE("messages of a mebibyte go there and back") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        far.attach(many_answers());
        echo e{make_blob(7, 1 << 20)};
        const auto back = co_await near.call(e);
        CHECK(back.bytes == e.what.bytes);
    });
}

asio::awaitable<void> add_many(pipe& near, int from, int to, int& done) {
    for (std::int64_t i = from; i != to; ++i) {
        add_later q{i, 1, static_cast<std::uint32_t>(i * 7 % 5)};
        const auto s = co_await near.call(q);
        CHECK(s.value == i + 1);
        ++done;
    }
}

TEST_CASE("calls in flight are answered in any order, each with its own answer") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        far.attach(many_answers());
        const auto executor = near.get_executor();
        int done = 0;
        std::vector<std::unique_ptr<background>> callers;
        for (int i = 0; i != 20; ++i)
            callers.push_back(std::make_unique<background>(
                executor, add_many(near, i * 100, i * 100 + 10, done)));
        for (auto& caller : callers) {
            const auto failure = co_await caller->result();
            CHECK(failure.text == "");
        }
        CHECK(done == 200);
        CHECK(near.counts().calls == 0);
    });
}

TEST_CASE("what a handler throws arrives with its text, code and kind") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        far.attach(many_answers());
        const auto plain = co_await result_of(near.call<fail_with>(0, "bad \x1b[31m luck"));
        CHECK(plain.kind == failure_kind::failed);
        CHECK(plain.code == errc::handler_failed);
        CHECK(plain.message == R"("bad \x1b[31m luck")");
        CHECK(plain.text.find("pipe \"pair\": fail_with") != std::string::npos);
        const auto system = co_await result_of(near.call<fail_with>(1, "disk"));
        CHECK(system.kind == failure_kind::failed);
        CHECK(system.code == std::errc::no_space_on_device);
        const auto busy = co_await result_of(near.call<fail_with>(2, "later"));
        CHECK(busy.kind == failure_kind::overloaded);
        const auto memory = co_await result_of(near.call<fail_with>(3, ""));
        CHECK(memory.kind == failure_kind::overloaded);
        const auto cancelled = co_await result_of(near.call<fail_with>(4, ""));
        CHECK(cancelled.kind == failure_kind::cancelled);
        const auto two = co_await result_of(near.call<fail_with>(5, "the first of two"));
        CHECK(two.message == "\"the first of two\"");
        const auto other = co_await result_of(near.call<fail_with>(6, ""));
        CHECK(other.kind == failure_kind::failed);
        const auto fine = co_await near.call<add>(1, 1);
        CHECK(fine.value == 2);
    });
}

TEST_CASE("a request that no handler takes is unknown, and the connection lives") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        far.attach(many_answers());
        const auto unknown = co_await result_of(near.call<unheard_of>());
        CHECK(unknown.kind == failure_kind::unknown_request);
        CHECK(unknown.code == errc::unknown_request);
        CHECK(unknown.text.find("unheard_of") != std::string::npos);
        const auto fine = co_await near.call<add>(1, 1);
        CHECK(fine.value == 2);
    });
}

TEST_CASE("both ends call and serve at once") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        const auto executor = near.get_executor();
        near.attach(many_answers());
        far.attach(many_answers());
        int done = 0;
        background one(executor, add_many(near, 0, 50, done));
        background other(executor, add_many(far, 100, 150, done));
        const auto first = co_await one.result();
        CHECK(first.text == "");
        const auto second = co_await other.result();
        CHECK(second.text == "");
        CHECK(done == 100);
    });
}

asio::awaitable<void> echo_many(pipe& near, int count, std::size_t size) {
    for (int i = 0; i != count; ++i) {
        echo e{make_blob(static_cast<std::uint64_t>(i), size)};
        const auto back = co_await near.call(e);
        CHECK(back.bytes == e.what.bytes);
    }
}

TEST_CASE("both ends that flood each other with large calls both finish") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        const auto executor = near.get_executor();
        near.attach(many_answers());
        far.attach(many_answers());
        std::vector<std::unique_ptr<background>> callers;
        for (int i = 0; i != 8; ++i) {
            for (auto* end : {&near, &far})
                callers.push_back(
                    std::make_unique<background>(executor, echo_many(*end, 3, 300'000)));
        }
        for (auto& caller : callers) {
            const auto failure = co_await caller->result();
            CHECK(failure.text == "");
        }
    });
}

/// Answered with so many bytes.
struct fetch_bytes {
    using reply = blob;
    std::uint32_t size = 0;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(size);
    }
};

TEST_CASE("a handler whose answer waits behind a full batch goes on when the batch has left") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        service s = many_answers();
        s.on([](fetch_bytes f) { return make_blob(1, f.size); });
        far.attach(s);
        background large(near.get_executor(), near.call<fetch_bytes>(300'000u));
        background small(near.get_executor(), near.call<add_later>(1, 2, 0u));
        CHECK(!(co_await large.result()).code);
        CHECK(!(co_await small.result()).code);
    });
}

TEST_CASE("a cancelled call returns at once and cancels its handler") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        far.attach(many_answers());
        wait_for_ever q;
        background call(near.get_executor(), near.call(q));
        while (far.counts().serving == 0)
            co_await settle();
        call.cancel();
        const auto failure = co_await call.result();
        CHECK(failure.code == asio::error::operation_aborted);
        while (near.counts().calls != 0)
            co_await settle();
        CHECK(far.counts().serving == 0);
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
            while (far.counts().serving == 0)
                co_await settle();
            call.cancel();
            co_await call.result();
            while (near.counts().calls != 0)
                co_await settle();
            CHECK(far.counts().serving == 0);
        }
    });
}

TEST_CASE("a call fails at its deadline and cancels its handler") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        far.attach(many_answers());
        wait_for_ever q;
        const auto late = co_await result_of(near.call(q, {.timeout = 2ms}));
        CHECK(late.kind == failure_kind::timed_out);
        CHECK(late.code == errc::timed_out);
        while (near.counts().calls != 0)
            co_await settle();
        CHECK(far.counts().serving == 0);
        const auto fine = co_await near.call<add>({.timeout = 60s}, 1, 1);
        CHECK(fine.value == 2);
    });
}

TEST_CASE("a receive beside calls is in progress already, and a call beside a receive") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        far.attach(many_answers());
        const auto receive = co_await failure_of(far.receive<number>());
        CHECK(receive.code == errc::receive_in_progress);
        background waiting(near.get_executor(), near.receive<number>());
        co_await settle();
        const auto call = co_await failure_of(near.call<add>(1, 1));
        CHECK(call.code == errc::receive_in_progress);
        waiting.cancel();
        co_await waiting.result();
    });
}

TEST_CASE("a pipe that ends fails each pending call once, and later calls at once") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        far.attach(many_answers());
        wait_for_ever q;
        std::vector<std::unique_ptr<background>> calls;
        for (int i = 0; i != 5; ++i)
            calls.push_back(std::make_unique<background>(near.get_executor(), near.call(q)));
        while (far.counts().serving != 5)
            co_await settle();
        co_await far.close();
        for (auto& call : calls) {
            const auto failure = co_await call->result();
            CHECK(failure.code == errc::closed);
        }
        const auto late = co_await result_of(near.call<add>(1, 1));
        CHECK(late.kind == failure_kind::gone);
        CHECK(late.code == errc::closed);
        CHECK(near.counts().calls == 0);
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
        while (far.counts().serving != 3)
            co_await settle();
        co_await settle();
        CHECK(far.counts().serving == 3);
        for (auto& call : calls) {
            call->cancel();
            co_await settle();
            CHECK(far.counts().serving <= 3);
        }
        while (near.counts().calls != 0)
            co_await settle();
        CHECK(far.counts().serving == 0);
    });
}

TEST_CASE("a deadline counts while a call waits for its turn") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        service s({.max_in_flight = 1});
        s.on(for_ever);
        far.attach(s);
        wait_for_ever q;
        background first(near.get_executor(), near.call(q));
        while (far.counts().serving != 1)
            co_await settle();
        const auto late = co_await result_of(near.call(q, {.timeout = 2ms}));
        CHECK(late.kind == failure_kind::timed_out);
        CHECK(near.counts().calls == 1);
        first.cancel();
        co_await first.result();
    });
}

TEST_CASE("plain messages go to the service's handler; one without is dropped and counted") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        std::vector<std::int64_t> seen;
        service s = many_answers();
        s.on([&](number n) { seen.push_back(n.value); });
        far.attach(s);
        co_await near.send<number>(1);
        text t{"nobody wants me"};
        co_await near.send(t);
        co_await near.send<number>(2);
        co_await near.call<add>(1, 1);  // behind them
        CHECK(seen == std::vector<std::int64_t>{1, 2});
        CHECK(far.counts().dropped == 1);
    });
}

TEST_CASE("a request that is too large fails at the caller, and the pipe stays usable") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        far.attach(many_answers());
        echo e{make_blob(1, 17 << 20)};
        const auto failure = co_await failure_of(near.call(e));
        CHECK(failure.code == errc::message_too_large);
        const auto fine = co_await near.call<add>(1, 1);
        CHECK(fine.value == 2);
        CHECK(near.counts().calls == 0);
    });
}

TEST_CASE("a request for a stream that is too large leaves nothing behind either") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        remora::service_options only_one;
        only_one.max_in_flight = 1;
        service s(only_one);
        s.on([](add q) { return sum{q.a + q.b}; });
        s.on([](echo_parts) -> remora::generator<blob> { co_return; });
        far.attach(s);
        co_await near.call<add>(1, 1);  // by now its window is known here
        echo_parts e{make_blob(1, 17 << 20)};
        const auto failure = co_await failure_of(near.stream(e));
        CHECK(failure.code == errc::message_too_large);
        CHECK(near.counts().calls == 0);
        const auto fine = co_await near.call<add>(1, 1);
        CHECK(fine.value == 2);
    });
}

TEST_CASE("an answer that is too large is a failure of the call") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        service s;
        s.on([](add q) { return sum{q.a + q.b}; });
        s.on([](echo) { return make_blob(1, 17 << 20); });
        far.attach(s);
        echo e;
        const auto failure = co_await result_of(near.call(e));
        CHECK(failure.kind == failure_kind::failed);
        CHECK(failure.code == errc::message_too_large);
        const auto fine = co_await near.call<add>(1, 1);
        CHECK(fine.value == 2);
    });
}

TEST_CASE("serve() completes when the pipe ends, after its handlers") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        background serving(near.get_executor(), far.serve(many_answers()));
        wait_for_ever q;
        background call(near.get_executor(), near.call(q));
        while (far.counts().serving != 1)
            co_await settle();
        co_await near.close();
        const auto end = co_await serving.result();
        CHECK(end.text == "");
        CHECK(far.counts().serving == 0);
        const auto failure = co_await call.result();
        CHECK(failure.code == errc::closed);
    });
}

TEST_CASE("an exception ends the connection where the service says so") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        service s({.end_on_exception = true});
        s.on(failing);
        background serving(near.get_executor(), far.serve(s));
        const auto answer = co_await result_of(near.call<fail_with>(0, "fatal"));
        CHECK(answer.kind == failure_kind::failed);
        const auto end = co_await failure_of(serving.result());
        const auto next = co_await result_of(near.call<fail_with>(0, "again"));
        CHECK(next.kind == failure_kind::gone);
        CHECK(next.code == errc::service_failed);
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

TEST_CASE("ends that are dropped go with their readers, and the context has nothing left to do") {
    asio::io_context io;
    auto [near, far] = remora::make_pipe_pair(io);
    std::int64_t value = 0;
    asio::co_spawn(
        io,
        [](pipe near, pipe far, std::int64_t& value) -> asio::awaitable<void> {
            far.attach(many_answers());
            const auto s = co_await near.call<add>(2, 3);
            value = s.value;
        }(std::move(near), std::move(far), value),
        asio::detached);
    io.run();
    CHECK(value == 5);
}

TEST_CASE("calls that wait die with their context") {
    asio::io_context io;
    auto [near, far] = remora::make_pipe_pair(io);
    far.attach(many_answers());
    asio::co_spawn(
        io,
        [](pipe p) -> asio::awaitable<void> {
            wait_for_ever q;
            co_await p.call(q);
        }(std::move(near)),
        asio::detached);
    io.run_for(20ms);
}

TEST_CASE("an exception out of a caller's completion handler leaves run()") {
    asio::io_context io;
    auto [near, far] = remora::make_pipe_pair(io);
    far.attach(many_answers());
    asio::co_spawn(
        io,
        [](pipe& p) -> asio::awaitable<void> {
            const auto s = co_await p.call<add>(1, 1);
            throw std::runtime_error("mine " + std::to_string(s.value));
        }(near),
        [](std::exception_ptr e) { std::rethrow_exception(e); });
    CHECK_THROWS_WITH(io.run(), "mine 2");
    int value = 0;
    asio::co_spawn(
        io,
        [](pipe& p, int& value) -> asio::awaitable<void> {
            const auto s = co_await p.call<add>(1, 2);
            value = static_cast<int>(s.value);
            co_await p.close();
        }(near, value),
        asio::detached);
    io.run_for(5s);
    CHECK(value == 3);
}

}  // namespace
