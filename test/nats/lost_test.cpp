// SPDX-License-Identifier: MIT
// Workers and servers of NATS that are killed or stopped.
#include "call/outcome.hpp"
#include "nats/cluster.hpp"

#include <nats/nats.h>

using namespace test;

namespace {

using remora::errc;
using remora::failure_kind;

asio::awaitable<pid_t> answering_pid(remora::pipe& app) {
    const who_serves q;
    const auto who = co_await app.call(q, {.timeout = patience});
    co_return static_cast<pid_t>(who.value);
}

const scene_options soon_lost = {.lost_after = 700ms};

TEST_CASE("calls go to several workers") {
    with_nats([](scene_of_nats& s) -> asio::awaitable<void> {
        const auto one = co_await s.worker_process();
        const auto two = co_await s.worker_process();
        bool was_one = false, was_two = false;
        while (!was_one || !was_two) {
            const auto pid = co_await answering_pid(s.app);
            REQUIRE((pid == one.pid() || pid == two.pid()));
            (pid == one.pid() ? was_one : was_two) = true;
        }
    });
}

TEST_CASE("a call whose worker is killed or stopped fails as gone, and only such calls") {
    with_nats(
        [](scene_of_nats& s) -> asio::awaitable<void> {
            for (const int signal : {SIGKILL, SIGSTOP}) {
                auto worker = co_await s.worker_process();
                co_await answering_pid(s.app);
                outcome<sum> lost;
                const wait_for_ever q;
                const auto ask = [&]() -> asio::awaitable<void> {
                    lost = co_await outcome_of(s.app.call(q));
                };
                background call(s.executor, ask());
                auto numbers = co_await s.app.stream<count_up>(1'000'000'000);
                co_await numbers.next();
                worker.signal(signal);
                const auto other = s.worker(worker_service());
                co_await call.result();
                CHECK(lost.kind == failure_kind::gone);
                std::optional<outcome<std::optional<number>>> last;
                while (!last || last->value)
                    last = co_await outcome_of(numbers.next());
                CHECK(last->kind == failure_kind::gone);
                worker.kill();
                co_await worker.wait();
                co_await reach_worker(s.app);
            }
        },
        soon_lost);
}

TEST_CASE("a call that takes long is not lost while its worker lives") {
    with_nats(
        [](scene_of_nats& s) -> asio::awaitable<void> {
            const auto worker = s.worker(remora::service().on([](add q) -> asio::awaitable<sum> {
                asio::steady_timer longer(co_await asio::this_coro::executor, 1500ms);
                co_await longer.async_wait(asio::use_awaitable);
                co_return sum{q.a + q.b};
            }));
            const auto found = co_await s.app.call<add>(1, 1);
            CHECK(found.value == 2);
        },
        soon_lost);
}

/// Asks a worker that is killed then, with another one beside it.
template <class Request>
asio::awaitable<outcome<number>> ask_doomed(scene_of_nats& s) {
    auto doomed = co_await s.worker_process();
    const Request q{true};
    outcome<number> found;
    const auto ask = [&]() -> asio::awaitable<void> { found = co_await outcome_of(s.app.call(q)); };
    background call(s.executor, ask());
    const auto served = co_await answering_pid(s.app);
    CHECK(served == doomed.pid());
    const auto other = s.worker(remora::service().on([](Request) { return number{-1}; }));
    doomed.kill();
    co_await doomed.wait();
    co_await call.result();
    co_return found;
}

TEST_CASE("a request that is idempotent is tried on another worker when its own is lost") {
    const auto by_name = [](scene_of_nats& s) -> asio::awaitable<void> {
        const auto found = co_await ask_doomed<who_serves>(s);
        REQUIRE(found.value);
        CHECK(found.value->value == -1);
    };
    with_nats(by_name, {.idempotent = {std::string(remora::type_name_of<who_serves>())},
                        .lost_after = 700ms});
    const auto by_itself = [](scene_of_nats& s) -> asio::awaitable<void> {
        const auto found = co_await ask_doomed<who_serves_again>(s);
        REQUIRE(found.value);
        CHECK(found.value->value == -1);
        const auto other = co_await ask_doomed<who_serves>(s);
        CHECK(other.kind == failure_kind::gone);
    };
    with_nats(by_itself, soon_lost);
}

TEST_CASE("a worker that was stopped does not answer into a call that is over") {
    with_nats(
        [](scene_of_nats& s) -> asio::awaitable<void> {
            auto worker = co_await s.worker_process();
            co_await answering_pid(s.app);
            worker.signal(SIGSTOP);
            const auto lost = co_await outcome_of(s.app.call<add>(1, 1));
            CHECK(lost.kind == failure_kind::gone);
            worker.signal(SIGCONT);
            for (int i = 0; i != 100; ++i) {
                const auto found = co_await s.app.call<add>(i, 5);
                REQUIRE(found.value == i + 5);
            }
        },
        soon_lost);
}

TEST_CASE("when the server of NATS is restarted calls fail as gone, and later ones succeed") {
    with_nats(
        [](scene_of_nats& s) -> asio::awaitable<void> {
            int running = 0;
            const auto worker =
                s.worker(worker_service().on([&](remember) -> asio::awaitable<void> {
                    ++running;
                    const std::shared_ptr<void> end(nullptr, [&](void*) { --running; });
                    const wait_for_ever never;
                    co_await for_ever(never);
                }));
            std::optional<failure_kind> kind;
            const remember q;
            const auto ask = [&]() -> asio::awaitable<void> {
                try {
                    co_await s.app.call(q);
                } catch (const remora::remote_error& e) {
                    kind = e.kind();
                }
            };
            background call(s.executor, ask());
            while (running == 0)
                co_await settle();
            s.server.kill();
            co_await call.result();
            CHECK(kind == failure_kind::gone);
            while (running != 0)
                co_await settle();
            const auto without = co_await outcome_of(s.app.call<add>(1, 1));
            CHECK(without.kind == failure_kind::gone);
            s.server.restart();
            co_await reach_worker(s.app);
        },
        soon_lost);
}

}  // namespace
