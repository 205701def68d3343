// SPDX-License-Identifier: MIT
// A context that several threads run.
#include "support/calls.hpp"
#include "support/giving_up.hpp"
#include "support/looking.hpp"
#include "support/runs.hpp"

#include <remora/broadcast.hpp>
#include <remora/run_on.hpp>

#include <atomic>
#include <future>
#include <thread>

namespace {

using namespace test;

// Runs the context in four threads until it has nothing left to do.
void run_in_threads(asio::io_context& io) {
    const auto end = std::chrono::steady_clock::now() + patience;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] { io.run_until(end); });
    for (auto& thread : threads)
        thread.join();
}

// Until the run is over.
remora::run_result finish_in_threads(served_run& r) {
    std::optional<remora::run_result> result;
    auto work = asio::make_work_guard(r.io);
    asio::co_spawn(r.io, r.run().result(), [&](std::exception_ptr, remora::run_result end) {
        result = std::move(end);
        work.reset();
    });
    run_in_threads(r.io);
    REQUIRE_MESSAGE(result, "the run hangs");
    return *result;
}

TEST_CASE("four threads serve the connections of one app") {
    served_run r({"many", "40"});
    std::atomic<int> served = 0;
    r.server.serve("echo", [&served](remora::pipe p) {
        ++served;
        return echo_service(std::move(p));
    });
    CHECK(finish_in_threads(r).code() == 0);
    CHECK(served == 40);
    CHECK(r.is_clean());
}

TEST_CASE("an app is started again in all threads, and functions get its lines") {
    remora::server_options options;
    options.restart = {.first_delay = 0ns, .limit = 4};
    std::vector<std::string> lines;
    options.standard_output = [&lines](std::string_view line) { lines.emplace_back(line); };
    options.standard_error = options.standard_output;
    options.launcher = {"sh", "-c", "echo one; echo two >&2; exec \"$@\"", "sh"};
    served_run r({"vanish", "9"}, options);
    std::atomic<std::uint32_t> lives = 0;
    r.server.serve("echo", [&lives](remora::pipe p) {
        lives += p.life();
        return echo_service(std::move(p));
    });
    CHECK(finish_in_threads(r).restarts == 4);
    CHECK(lives == 1 + 2 + 3 + 4 + 5);
    CHECK(lines.size() == 10);
    CHECK(r.is_clean());
}

TEST_CASE("four threads serve connections that have a state each") {
    std::atomic<int> living = 0, closed = 0;
    served_run r({"totals", "40"});
    r.server.serve("totals", [&](remora::connection_info) { return session::serve(living); });
    r.on_event = [&](const remora::event& e) {
        if (e.kind == remora::event_kind::closed) CHECK(living <= 40 - ++closed);
    };
    CHECK(finish_in_threads(r).code() == 0);
    CHECK(closed == 40);
    CHECK(living == 0);
    CHECK(r.is_clean());
}

remora::generator<number> follow_events(remora::subscription<number> mine, std::shared_ptr<void>) {
    while (const auto n = co_await mine.next())
        co_yield *n;
}

TEST_CASE("one broadcast goes to the connections of an app, which four threads serve") {
    for (const bool killed : {false, true}) {
        const auto kept = std::make_shared<int>(0);
        remora::broadcast<number> events;
        remora::service service;
        service.on([&](count_up) { return follow_events(events.subscribe(), kept); });
        service.on([&](remember q) { events.send({q.value}); });
        service.on([](add) { return sum{}; });
        std::vector<std::string> arguments{"follows", "20"};
        if (killed) arguments.emplace_back("dies");
        served_run r(arguments);
        r.server.serve("events", service);
        CHECK(finish_in_threads(r).code() == (killed ? 137 : 0));
        CHECK(kept.use_count() == 1);
        CHECK(r.is_clean());
    }
}

TEST_CASE("an app that is killed ends its services in all threads") {
    for (int i = 0; i < 10; ++i) {
        served_run r({"vanish", "9"});
        r.server.serve("echo", echo_service);
        CHECK(finish_in_threads(r).code() == 137);
        CHECK(r.failures.empty());
        CHECK(r.is_clean());
    }
}

// Sends big blobs and takes them back, on one end or the other.
asio::awaitable<void> send_blobs(remora::pipe& p) {
    const blob big = make_blob(1, 1'000'000);
    for (int i = 0; i < 5; ++i)
        co_await p.send(big);
}
asio::awaitable<void> take_blobs(remora::pipe& p, std::atomic<int>& taken) {
    for (int i = 0; i < 5; ++i) {
        CHECK((co_await p.receive<blob>()).bytes.size() == 1'000'000);
        ++taken;
    }
}

TEST_CASE("pipes on strands work in a context that four threads run") {
    asio::io_context io;
    std::atomic<int> taken = 0;
    std::vector<std::pair<remora::pipe, remora::pipe>> pairs;
    pairs.reserve(4);  // the coroutines refer to them
    for (int i = 0; i < 4; ++i) {
        auto& [a, b] = pairs.emplace_back(remora::make_pipe_pair(asio::make_strand(io)));
        asio::co_spawn(a.get_executor(), send_blobs(a), asio::detached);
        asio::co_spawn(a.get_executor(), take_blobs(a, taken), asio::detached);
        asio::co_spawn(b.get_executor(), send_blobs(b), asio::detached);
        asio::co_spawn(b.get_executor(), take_blobs(b, taken), asio::detached);
    }
    run_in_threads(io);
    CHECK(taken == 40);
}

TEST_CASE("accept gives a pipe to a strand, while other threads run the context") {
    served_run r({"uses", "one"});
    asio::co_spawn(asio::make_strand(r.io), accept_one(r.server, "one"), asio::detached);
    CHECK(finish_in_threads(r).code() == 0);
    CHECK(r.is_clean());
}

TEST_CASE("runs are started while other threads run the context") {
    asio::io_context io;
    auto work = asio::make_work_guard(io);
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i)
        threads.emplace_back([&io] { io.run(); });
    {
        remora::server server(io, {.target = REMORA_TEST_APP});
        for (int i = 0; i < 50; ++i) {
            const auto run = server.start({"exit", "3"});
            auto end = future_of(io.get_executor(), run.result());
            const bool over = end.wait_for(patience) == std::future_status::ready;
            CHECK(over);
            if (over) CHECK(end.get().code() == 3);
        }
    }
    work.reset();
    for (auto& thread : threads)
        thread.join();
    CHECK(no_child_is_left());
}

asio::awaitable<void> accept_nobody(remora::server& server) {
    co_await server.accept("nobody");
}
asio::awaitable<void> await_result(remora::app_process run) {
    co_await run.result();
}

TEST_CASE("accept and result are given up on other strands than the server's") {
    served_run r({"waits"});
    r.server.serve("silent", [](remora::pipe) { return never(); });
    std::atomic<int> left = 4;
    for (int i = 0; i < 4; ++i) {
        const auto operation = [&r, i]() -> asio::awaitable<void> {
            return i % 2 == 0 ? accept_nobody(r.server) : await_result(r.run());
        };
        asio::co_spawn(asio::make_strand(r.io), give_up_often(operation, 200),
                       [&](std::exception_ptr) {
                           if (--left == 0) r.run().kill();
                       });
    }
    CHECK(finish_in_threads(r).code() == 137);
    CHECK(r.is_clean());
}

TEST_CASE("connect and services are given up on other strands than the client's") {
    served_run r({"gives_up", "200"});
    r.server.serve("echo", echo_service);
    CHECK(r.finish().code() == 0);
    CHECK(r.is_clean());
}

asio::awaitable<void> use_both_ways(remora::pipe& p) {
    co_await p.send<number>(1);
    co_await p.receive<number>();
}

TEST_CASE("what runs on the strand of a pipe is given up on another strand") {
    asio::io_context io;
    auto [a, b] = remora::make_pipe_pair(asio::make_strand(io));
    auto work = asio::make_work_guard(io);
    std::atomic<int> left = 2;
    for (remora::pipe* const p : {&a, &b}) {
        const auto operation = [p] { return remora::run_on(p->get_executor(), use_both_ways(*p)); };
        asio::co_spawn(asio::make_strand(io), give_up_often(operation, 500),
                       [&](std::exception_ptr) {
                           if (--left == 0) work.reset();
                       });
    }
    run_in_threads(io);
    CHECK(left == 0);
}

TEST_CASE("services may be added and the app stopped from any thread") {
    served_run r({"waits_for_name"});
    std::thread other([&] {
        for (int i = 0; i < 100; ++i)
            r.server.serve("name " + std::to_string(i), echo_service);
        r.server.serve("late", echo_service);
        r.run().terminate(10s);
    });
    const auto result = finish_in_threads(r);
    other.join();
    CHECK((result.code() == 0 || result.code() == 143 || result.code() == 70));
    CHECK(r.is_clean());
}

// Looks into the run until it is over; counts the looks.
void look_all_the_time(const std::filesystem::path& directory, std::atomic<int>& looks) {
    while (const auto socket = connect_to(directory)) {
        ::fcntl(socket.get(), F_SETFL, 0);  // it waits
        std::array<std::byte, 4096> part;
        while (::recv(socket.get(), part.data(), part.size(), 0) > 0) {
        }
        ++looks;
    }
}

TEST_CASE("a run that four threads drive is looked into all the time") {
    std::atomic<int> looks = 0, asked = 0;
    std::optional<std::thread> looking;
    served_run r({"totals", "10"});
    r.on_event = [&](const remora::event& e) {
        if (e.kind != remora::event_kind::connected || looking) return;
        const auto directory = std::filesystem::directory_iterator(run_parent())->path();
        looking.emplace([directory, &looks] { look_all_the_time(directory, looks); });
    };
    r.server.serve("totals", [&](remora::connection_info) {
        const auto total = std::make_shared<std::int64_t>(0);
        return remora::service().on([&, total](add what) -> asio::awaitable<sum> {
            for (const int mine = ++asked; looks < mine;)
                co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
            co_return sum{* total += what.a};
        });
    });
    CHECK(finish_in_threads(r).code() == 0);
    looking->join();
    CHECK(looks >= asked);
    CHECK(r.is_clean());
}

}  // namespace
