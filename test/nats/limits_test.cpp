// SPDX-License-Identifier: MIT
// What a worker and a gateway refuse, and what of failures they do not take for losses.
#include "nats/cluster.hpp"

using namespace test;

namespace {

using remora::errc;
using remora::failure_kind;

TEST_CASE("a worker that has as many calls as it takes answers others with overloaded") {
    with_nats([](scene_of_nats& s) -> asio::awaitable<void> {
        const auto running = std::make_shared<int>(0);
        remora::service service({.max_in_flight = 2});
        service.on([](add q) { return sum{q.a + q.b}; });
        service.on(counted_in(running));
        const auto worker = s.worker(service);
        const wait_for_ever never;
        background one(s.executor, s.app.call(never)), two(s.executor, s.app.call(never));
        while (*running != 2)
            co_await settle();
        const auto failed = co_await outcome_of(s.app.call<add>(1, 1));
        CHECK(failed.kind == failure_kind::overloaded);
        CHECK(failed.code == code(errc::overloaded));
        CHECK(*running == 2);
        one.cancel();
        co_await reach_worker(s.app);
        two.cancel();
        co_await two.result();
    });
}

TEST_CASE("a gone that a worker answers is no loss of the worker") {
    const auto body = [](scene_of_nats& s) -> asio::awaitable<void> {
        int served = 0;
        const auto worker = s.worker(
            remora::service().on_any([&](remora::any_call) -> asio::awaitable<remora::any_answer> {
                ++served;
                throw remora::remote_error(failure_kind::gone, errc::broken_pipe, "far behind");
                co_return remora::any_answer();
            }));
        const auto failed = co_await outcome_of(s.app.call<add>(1, 1));
        CHECK(failed.kind == failure_kind::gone);
        CHECK(failed.code == code(errc::broken_pipe));
        CHECK(failed.message.find("far behind") != std::string::npos);
        CHECK(served == 1);
    };
    with_nats(body, {.idempotent = {std::string(remora::type_name_of<add>())}});
}

TEST_CASE("what a gateway refuses does not end the pipe of a service that ends on exceptions") {
    with_nats([](scene_of_nats& s) -> asio::awaitable<void> {
        const auto worker = s.worker(worker_service());
        auto [app, front] = remora::make_pipe_pair(s.executor);
        front.attach(s.gateway.service({.end_on_exception = true}));
        const echo large{make_blob(1, 2'000'000)};
        const auto failed = co_await outcome_of(app.call(large));
        CHECK(failed.kind == failure_kind::failed);
        CHECK(failed.code == code(errc::message_too_large));
        co_await app.send(large);
        const fail_with q{0, "no"};
        const auto answered = co_await outcome_of(app.call(q));
        CHECK(answered.message == "\"no\"");
        co_await reach_worker(app);
    });
}

TEST_CASE("a pipe with another executor than its gateway is refused") {
    with_nats([](scene_of_nats& s) -> asio::awaitable<void> {
        const auto worker = s.worker(worker_service());
        auto [app, front] = remora::make_pipe_pair(asio::make_strand(s.executor));
        front.attach(s.gateway.service());
        const auto ask = [&app = app]() -> asio::awaitable<outcome<sum>> {
            co_return co_await outcome_of(app.call<add>(1, 1));
        };
        const auto failed =
            co_await asio::co_spawn(asio::make_strand(s.executor), ask(), asio::use_awaitable);
        CHECK(failed.code == code(errc::bad_option));
        CHECK(failed.message.find("another executor") != std::string::npos);
        co_await reach_worker(s.app);
    });
}

TEST_CASE("a worker that is closed while it finishes cancels what it has") {
    with_nats([](scene_of_nats& s) -> asio::awaitable<void> {
        int running = 0;
        auto worker = s.worker(remora::service().on([&](wait_for_ever q) -> asio::awaitable<sum> {
            ++running;
            const std::shared_ptr<void> end(nullptr, [&](void*) { --running; });
            co_return co_await for_ever(q);
        }));
        const wait_for_ever never;
        outcome<sum> failed;
        const auto ask = [&]() -> asio::awaitable<void> {
            failed = co_await outcome_of(s.app.call(never));
        };
        background call(s.executor, ask());
        while (running == 0)
            co_await settle();
        background finish(s.executor, worker.finish());
        co_await pause(50ms);
        CHECK(!finish.done());
        co_await worker.close();
        CHECK(running == 0);
        co_await finish.result();
        co_await call.result();
        CHECK(failed.kind == failure_kind::gone);
    });
}

}  // namespace
