// SPDX-License-Identifier: MIT
// A server that runs one app after another, for as many seconds as there are rounds: calls, streams
// and messages of all sizes, some apps killed in the middle. Memory and descriptors stay as they
// were, and the app finds no reply lost or doubled. The app is this program, too.
#include "row.hpp"

#include "support/calls.hpp"

#include <remora/client.hpp>
#include <remora/server.hpp>

#include <sys/prctl.h>

#include <random>

namespace {

using namespace torture;
using remora::pipe;
using test::number;

constexpr int lost_or_doubled = 3;

remora::service service() {
    remora::service s;
    s.on([](test::add q) { return test::sum{q.a + q.b}; });
    s.on([](test::echo e) { return std::move(e.what); });
    s.on([](test::count_up c) -> remora::generator<number> {
        for (std::int64_t i = 0; i != c.count; ++i)
            co_yield remora::item<number>(i);
    });
    s.on([](number) {});
    return s;
}

// One of several at once; each reply has to be that of its own call.
asio::awaitable<void> use(pipe& p, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    for (int i = 0; i != 300; ++i) {
        const auto a = static_cast<std::int64_t>(random() >> 2);
        const auto sum = co_await p.call<test::add>(a, std::int64_t{1});
        if (sum.value != a + 1) throw std::runtime_error("another sum");
        if (i % 10 != 0) continue;
        const test::echo question{test::make_blob(random(), random() % 50'000)};
        const auto back = co_await p.call(question);
        if (back.number != question.what.number || back.bytes != question.what.bytes)
            throw std::runtime_error("other bytes");
        auto numbers = co_await p.stream<test::count_up>(std::int64_t{50});
        std::int64_t next = 0;
        while (const auto n = co_await numbers.next()) {
            if (n->value != next++) throw std::runtime_error("another item");
        }
        if (next != 50) throw std::runtime_error("items are lost");
        co_await p.send<number>(i);
    }
}

asio::awaitable<int> app(remora::client& client, std::uint64_t seed) {
    auto p = co_await client.connect("soak");
    std::vector<std::unique_ptr<test::background>> all;
    for (std::uint64_t i = 0; i != 8; ++i)
        all.push_back(std::make_unique<test::background>(p.get_executor(), use(p, seed + i)));
    for (const auto& each : all) {
        if ((co_await each->result()).code) co_return lost_or_doubled;
    }
    const bool clean = p.counts().calls == 0 && p.counts().dropped == 0;
    co_return clean ? 0 : lost_or_doubled;
}

int be_app(int argc, char** argv) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    asio::io_context io;
    const std::uint64_t seed = std::stoull(argv[2]);
    remora::client client{io, argc, argv};
    return client.run([&](remora::client& c) { return app(c, seed); });
}

verdict judge(row& r) {
    verdict v;
    const run_parent directory;
    std::mt19937_64 random(r.seed);
    remora::server_options options{.target = "/proc/self/exe", .drain_timeout = 100ms};
    options.transport =
        r.over_fifos() ? remora::transport_kind::fifo : remora::transport_kind::shared_memory;
    options.on_failure = [](std::string_view, const std::exception_ptr&) {};
    asio::io_context io;
    remora::server server{io, options};
    const auto start = clock::now();
    const auto seconds = std::chrono::seconds(r.rounds);
    int runs = 0, kills = 0, bad = 0;
    long memory = 0, files = 0, most_memory = 0, most_files = 0;
    while (clock::now() - start < seconds) {
        r.progress(static_cast<std::uint64_t>((clock::now() - start) / 1s));
        const bool kill = random() % 4 == 0;
        bool done = false;
        int code = 0;
        server.serve("soak", service(),
                     {.ring_size = ring_of_round(static_cast<std::uint64_t>(runs))});
        auto run = server.start({std::to_string(random() >> 1)});
        asio::steady_timer killer(io, std::chrono::microseconds(random() % 30'000));
        if (kill)
            killer.async_wait([&](std::error_code ec) {
                if (!ec) run.kill();
            });
        asio::co_spawn(io, run.result(), [&](std::exception_ptr, remora::run_result end) {
            done = true;
            code = end.code();
        });
        if (!run_until(io, done, 30s)) {
            v.expect(false, "a run hangs");
            break;
        }
        killer.cancel();
        io.poll();  // it may have struck already
        ++runs, kills += kill ? 1 : 0;
        v.expect(directory.is_empty(), "a directory is left");
        if (code != 0 && !(kill && code == 128 + SIGKILL)) {
            ++bad;
            v.expect(false, "a run ended with " + std::to_string(code));
        }
        const bool warm = clock::now() - start > seconds / 4;
        if (!warm || memory == 0) memory = std::max(memory, status_of_self("VmRSS"));
        if (runs == 4) files = descriptors();
        most_memory = std::max(most_memory, status_of_self("VmRSS"));
        most_files = std::max(most_files, descriptors());
    }
    v.figures = std::to_string(runs) + " runs, " + std::to_string(kills) + " killed; " +
                std::to_string(memory) + " KiB after warm-up, at most " +
                std::to_string(most_memory) + " KiB; descriptors " + std::to_string(files) +
                ", at most " + std::to_string(most_files);
    v.expect(bad == 0, std::to_string(bad) + " apps ended badly");
    v.expect(runs > 4, "too few runs to prove a thing");
    v.expect(most_memory <= memory + memory / 10 + 1024, "memory grows");
    v.expect(most_files <= files, "descriptors are left");
    return v;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc > 1 && std::string(argv[1]).starts_with("--remora.pipes=")) return be_app(argc, argv);
    return row("a server that runs many apps, for so many seconds", 20).run(argc, argv, judge);
}
