// SPDX-License-Identifier: MIT
// Servers of NATS that go, stop, say nothing, or are never seen again.
#include "nats/cluster.hpp"

#include <asio/ip/tcp.hpp>

#include <nats/nats.h>

using namespace test;

// For the leak sanitizer: libnats 3.4 forgets the buffer of a message of which only a part had come
// when the connection broke.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() {
    return "leak:natsBuf_Create";
}

namespace {

using remora::errc;
using remora::failure_kind;

TEST_CASE("while libnats connects again nothing else waits for it") {
    with_nats([](scene_of_nats& s) -> asio::awaitable<void> {
        const auto worker = s.worker(worker_service());
        co_await reach_worker(s.app);
        s.server.kill();
        // Takes connections and never says a word: each try takes libnats a second.
        const asio::ip::tcp::endpoint there(asio::ip::address_v4::loopback(), s.server.port());
        std::optional<asio::ip::tcp::acceptor> silent(std::in_place, s.executor, there);
        const auto begin = std::chrono::steady_clock::now();
        for (int i = 0; i != 30; ++i) {
            const auto failed = co_await outcome_of(s.app.call<add>(1, 1));
            CHECK(failed.kind == failure_kind::gone);
            co_await pause(50ms);
        }
        CHECK(std::chrono::steady_clock::now() - begin < 10s);
        silent.reset();
        s.server.restart();
        co_await reach_worker(s.app);
    });
}

TEST_CASE("a server of NATS that is stopped holds up nobody, however much is to be sent") {
    const auto body = [](scene_of_nats& s) -> asio::awaitable<void> {
        const auto worker = s.worker(worker_service());
        s.server.signal(SIGSTOP);
        const auto begin = std::chrono::steady_clock::now();
        const echo large{make_blob(1, 900'000)};
        std::vector<std::unique_ptr<background>> calls;
        int gone = 0;
        const auto ask = [&]() -> asio::awaitable<void> {
            const auto failed = co_await outcome_of(s.app.call(large));
            if (failed.kind == failure_kind::gone) ++gone;
        };
        for (int i = 0; i != 30; ++i)
            calls.push_back(std::make_unique<background>(s.executor, ask()));
        for (const auto& call : calls)
            co_await call->result();
        CHECK(gone == 30);
        CHECK(std::chrono::steady_clock::now() - begin < 10s);
        s.server.signal(SIGCONT);
        co_await reach_worker(s.app);
    };
    with_nats(body, {.lost_after = 700ms});
}

// Later than the gateway, which tries every 100 to 200 ms.
void reconnect_slowly(natsOptions* o) {
    natsOptions_SetReconnectWait(o, 400);
    natsOptions_SetReconnectJitter(o, 0, 0);
}

// Unless the gateway is slower to connect again than the worker, all the same: then nobody hears
// the answer, and the call is gone.
TEST_CASE("what is answered in a short break arrives after it, or the call is gone") {
    bool has_arrived = false;
    const auto body = [&](scene_of_nats& s) -> asio::awaitable<void> {
        bool is_asked = false, may_answer = false;
        const auto service = remora::service().on([&](ask_time) -> asio::awaitable<number> {
            is_asked = true;
            while (!may_answer)
                co_await pause(5ms);
            co_return number{42};
        });
        auto slow = s.connection();
        slow.configure = &reconnect_slowly;
        const remora::nats::worker worker(
            s.executor, service,
            {.service = "test", .connection = slow, .lost_after = s.options.lost_after});
        outcome<number> found;
        const auto ask = [&]() -> asio::awaitable<void> {
            const ask_time q;
            found = co_await outcome_of(s.app.call(q));
        };
        background call(s.executor, ask());
        while (!is_asked)
            co_await settle();
        co_await pause(50ms);
        s.server.kill();
        co_await pause(100ms);
        may_answer = true;
        co_await pause(50ms);
        s.server.restart();
        co_await call.result();
        has_arrived = found.value.has_value();
        if (has_arrived)
            CHECK(found.value->value == 42);
        else
            CHECK(found.kind == failure_kind::gone);
    };
    for (int i = 0; i != 5 && !has_arrived; ++i)
        with_nats(body);
    CHECK(has_arrived);
}

void give_up_soon(natsOptions* o) {
    natsOptions_SetMaxReconnect(o, 1);
}

TEST_CASE("a gateway whose connection is closed for good says so") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        const auto executor = io.get_executor();
        nats_server server(executor);
        failure told;
        const remora::nats::gateway gateway(
            executor, {.service = "test",
                       .connection = {.servers = {server.url()},
                                      .configure = &give_up_soon,
                                      .on_closed = [&](std::exception_ptr why) {
                                          told = failure_of([&] { std::rethrow_exception(why); });
                                      }}});
        auto [app, front] = remora::make_pipe_pair(executor);
        front.attach(gateway.service());
        server.kill();
        while (told.text.empty())
            co_await pause(5ms);
        CHECK(told.code == code(errc::refused));
        CHECK(told.text.find("closed for good") != std::string::npos);
        const auto failed = co_await outcome_of(app.call<add>(1, 1));
        CHECK(failed.kind == failure_kind::gone);
        CHECK(failed.text.find("closed for good") != std::string::npos);
    });
}

TEST_CASE("a worker whose connection is closed for good throws it out of its context") {
    asio::io_context io;
    std::optional<nats_server> server(std::in_place, io.get_executor());
    const remora::nats::worker worker(
        io.get_executor(), worker_service(),
        {.service = "test",
         .connection = {.servers = {server->url()}, .configure = &give_up_soon}});
    server->kill();
    const auto thrown = failure_of([&] { io.run_for(patience); });
    CHECK(thrown.code == code(errc::refused));
    CHECK(thrown.text.find("closed for good") != std::string::npos);
}

TEST_CASE("a worker whose connection is closed for good can finish") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        const auto executor = io.get_executor();
        nats_server server(executor);
        bool is_closed = false;
        remora::nats::worker worker(
            executor, worker_service(),
            {.service = "test",
             .connection = {.servers = {server.url()},
                            .configure = &give_up_soon,
                            .on_closed = [&](std::exception_ptr) { is_closed = true; }}});
        server.kill();
        while (!is_closed)
            co_await pause(5ms);
        co_await worker.finish();
    });
}

}  // namespace
