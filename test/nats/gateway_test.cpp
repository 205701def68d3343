// SPDX-License-Identifier: MIT
// Calls through a gateway, a server of NATS, and a worker in this process.
#include "call/many_answers.hpp"
#include "call/outcome.hpp"
#include "nats/cluster.hpp"

#include <nats/nats.h>

using namespace test;

namespace {

using remora::errc;
using remora::failure_kind;

TEST_CASE("a call through NATS is answered by a worker") {
    with_nats([](scene_of_nats& s) -> asio::awaitable<void> {
        const auto worker = s.worker(worker_service());
        for (int i = 0; i != 100; ++i) {
            const auto found = co_await s.app.call<add>(i, 1);
            REQUIRE(found.value == i + 1);
        }
    });
}

TEST_CASE("what a handler behind NATS throws arrives with kind, code and text") {
    with_nats([](scene_of_nats& s) -> asio::awaitable<void> {
        const auto worker = s.worker(worker_service());
        const std::string text = "what \"is\"\n\\ this?";
        auto [near, far] = remora::make_pipe_pair(s.executor);
        far.attach(worker_service());
        for (const int how : {0, 1, 2, 3, 4, 5, 6}) {
            const fail_with q{how, text};
            const auto direct = co_await outcome_of(near.call(q));
            const auto passed = co_await outcome_of(s.app.call(q));
            CAPTURE(how);
            CHECK(passed.kind == direct.kind);
            CHECK(passed.code == direct.code);
            CHECK(passed.message == direct.message);
        }
        const unheard_of nobody;
        const auto unknown = co_await outcome_of(s.app.call(nobody));
        CHECK(unknown.kind == failure_kind::unknown_request);
    });
}

TEST_CASE("without a worker a call fails at once") {
    with_nats([](scene_of_nats& s) -> asio::awaitable<void> {
        const auto failed = co_await outcome_of(s.app.call<add>(1, 1));
        CHECK(failed.kind == failure_kind::overloaded);
        CHECK(failed.code == code(errc::no_such_pipe));
        CHECK(failed.text.find("there is no worker") != std::string::npos);
    });
}

TEST_CASE("streams and uploads go through NATS") {
    with_nats([](scene_of_nats& s) -> asio::awaitable<void> {
        const auto worker = s.worker(worker_service());
        auto numbers = co_await s.app.stream<count_up>(20'000);
        std::int64_t next = 0;
        while (const auto n = co_await numbers.next())
            REQUIRE(n->value == next++);
        CHECK(next == 20'000);
        const auto upload = []() -> remora::generator<number> {
            for (std::int64_t i = 1; i <= 20'000; ++i)
                co_yield remora::item<number>(i);
        };
        const add_up q;
        const auto total = co_await s.app.call(q, upload());
        CHECK(total.value == 20'000LL * 20'001 / 2);
        const double_each both;
        auto twice = co_await s.app.stream(both, upload());
        next = 1;
        while (const auto n = co_await twice.next())
            REQUIRE(n->value == 2 * next++);
        CHECK(next == 20'001);
        auto failing = co_await s.app.stream<count_up>(10, 3);
        for (int i = 0; i != 3; ++i)
            co_await failing.next();
        CHECK((co_await outcome_of(failing.next())).message == "\"no more\"");
    });
}

TEST_CASE("an upload without items, or one that begins after the answer, goes through NATS") {
    with_nats([](scene_of_nats& s) -> asio::awaitable<void> {
        remora::service one_first;
        one_first.on([](double_each, remora::stream<number> in) -> remora::generator<number> {
            co_yield remora::item<number>(0);
            while (const auto n = co_await in.next())
                co_yield remora::item<number>(2 * n->value);
        });
        one_first.on([](add_up, remora::stream<number> in) -> asio::awaitable<sum> {
            sum all;
            while (const auto n = co_await in.next())
                all.value += n->value;
            co_return all;
        });
        const auto worker = s.worker(one_first);
        const add_up q;
        const auto nothing = [](add_up) -> remora::generator<number> { co_return; };
        CHECK((co_await s.app.call(q, nothing(q))).value == 0);
        asio::steady_timer has_first(s.executor, asio::steady_timer::time_point::max());
        const auto upload = [](asio::steady_timer& begin) -> remora::generator<number> {
            std::error_code ec;
            co_await begin.async_wait(asio::redirect_error(asio::use_awaitable, ec));
            for (std::int64_t i = 1; i != 4; ++i)
                co_yield remora::item<number>(i);
        };
        const double_each both;
        auto twice = co_await s.app.stream(both, upload(has_first));
        for (std::int64_t i = 0; i != 4; ++i) {
            const auto n = co_await twice.next();
            REQUIRE(n);
            CHECK(n->value == 2 * i);
            has_first.cancel();
        }
        CHECK(!co_await twice.next());
    });
}

TEST_CASE("who takes no items stops the generator behind NATS, and dropping them ends it") {
    with_nats([](scene_of_nats& s) -> asio::awaitable<void> {
        std::int64_t made = 0;
        bool is_gone = false;
        const auto worker =
            s.worker(remora::service().on([&](count_up) -> remora::generator<number> {
                const std::shared_ptr<void> end(nullptr, [&](void*) { is_gone = true; });
                for (;;)
                    co_yield remora::item<number>(made++);
            }));
        auto numbers = co_await s.app.stream<count_up>(1);
        co_await numbers.next();
        // Windows of both pipes, that of NATS, and what is between them.
        const std::int64_t most = 3 * (256 << 10) / 14;
        asio::steady_timer pause(s.executor);
        for (std::int64_t before = -1; before != made;) {
            before = made;
            pause.expires_after(200ms);
            co_await pause.async_wait(asio::use_awaitable);
        }
        CHECK(made < most);
        for (std::int64_t i = 1; i != most; ++i) {
            const auto n = co_await numbers.next();
            REQUIRE(n);
            REQUIRE(n->value == i);
        }
        numbers = {};
        while (!is_gone)
            co_await settle();
    });
}

TEST_CASE("cancelling and the time limit of an app reach the handler behind NATS") {
    with_nats([](scene_of_nats& s) -> asio::awaitable<void> {
        const auto running = std::make_shared<int>(0);
        auto service = worker_service();
        const auto worker = s.worker(remora::service().on(tell_time).on(counted_in(running)));
        const wait_for_ever never;
        background call(s.executor, s.app.call(never));
        while (*running == 0)
            co_await settle();
        call.cancel();
        while (*running != 0)
            co_await settle();
        const auto late = co_await outcome_of(s.app.call(never, {.timeout = 50ms}));
        CHECK(late.kind == failure_kind::timed_out);
        while (*running != 0)
            co_await settle();
        const ask_time q;
        const auto left = co_await s.app.call(q, {.timeout = 60s});
        CHECK(left.value > 0);
        CHECK(left.value <= std::chrono::nanoseconds(60s).count());
    });
}

TEST_CASE("a value that is too large for NATS fails its own call alone") {
    with_nats([](scene_of_nats& s) -> asio::awaitable<void> {
        const auto worker = s.worker(worker_service().on([](large_items) {
            return [](int size) -> remora::generator<blob> {
                const blob b = make_blob(1, static_cast<std::uint32_t>(size));
                co_yield b;
            }(2'000'000);
        }));
        const echo large{make_blob(1, 2'000'000)};
        const auto request = co_await outcome_of(s.app.call(large));
        CHECK(request.code == code(errc::message_too_large));
        auto items = co_await s.app.stream<large_items>(1);
        const auto item = co_await outcome_of(items.next());
        CHECK(item.code == code(errc::message_too_large));
        const auto fine = co_await s.app.call<add>(1, 1);
        CHECK(fine.value == 2);
    });
}

TEST_CASE("when a gateway ends, its calls fail as gone, and their handlers are cancelled") {
    with_nats([](scene_of_nats& s) -> asio::awaitable<void> {
        const auto running = std::make_shared<int>(0);
        const auto worker = s.worker(remora::service().on(counted_in(running)));
        const wait_for_ever never;
        background call(s.executor, outcome_of(s.app.call(never)));
        while (*running == 0)
            co_await settle();
        {
            const auto gone = std::move(s.gateway);
        }
        co_await call.result();
        while (*running != 0)
            co_await settle();
        const auto late = co_await outcome_of(s.app.call(never));
        CHECK(late.kind == failure_kind::gone);
    });
}

TEST_CASE("a worker that finishes answers what it has, and takes no more") {
    with_nats([](scene_of_nats& s) -> asio::awaitable<void> {
        auto worker = s.worker(worker_service());
        const add_later q{1, 2, 200};
        sum found;
        const auto ask = [&]() -> asio::awaitable<void> { found = co_await s.app.call(q); };
        background call(s.executor, ask());
        while (s.front.counts().running_handlers == 0)
            co_await settle();
        co_await s.app.call<add>(1, 1);
        co_await worker.finish();
        co_await call.result();
        CHECK(found.value == 3);
        const auto late = co_await outcome_of(s.app.call<add>(1, 1));
        CHECK(late.code == code(errc::no_such_pipe));
    });
}

TEST_CASE("a plain message goes through NATS") {
    with_nats([](scene_of_nats& s) -> asio::awaitable<void> {
        std::int64_t told = 0;
        const auto worker = s.worker(remora::service().on([&](number n) { told = n.value; }));
        const number n{42};
        co_await s.app.send(n);
        while (told != 42)
            co_await settle();
    });
}

TEST_CASE("options of libnats say who connects") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        const nats_server server(io.get_executor(), {"--user", "me", "--pass", "secret"});
        remora::nats::gateway_options options = {.service = "test",
                                                 .connection = {.servers = {server.url()}}};
        const auto refused = failure_of([&] { remora::nats::gateway(io.get_executor(), options); });
        CHECK(refused.code == code(errc::refused));
        options.connection.configure = [](natsOptions* o) {
            natsOptions_SetUserInfo(o, "me", "secret");
        };
        const remora::nats::gateway taken(io.get_executor(), options);
        co_return;
    });
}

TEST_CASE("options that make no sense are refused") {
    asio::io_context io;
    const auto made = [&](const remora::nats::gateway_options& options) {
        return failure_of([&] { remora::nats::gateway(io.get_executor(), options); }).code;
    };
    for (const std::string name : {"", "a b", "a.b", "a.>", "*", "\xff"})
        CHECK(made({.service = name}) == code(errc::bad_name));
    CHECK(made({.service = "a", .lost_after = 499ms}) == code(errc::bad_option));
    CHECK(made({.service = "a", .connection = {.servers = {}}}) == code(errc::bad_option));
    CHECK(made({.service = "a", .connection = {.servers = {"nats://127.0.0.1:1"}}}) ==
          code(errc::refused));
}

}  // namespace
