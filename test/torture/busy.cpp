// SPDX-License-Identifier: MIT
// Two programs compute while a pair of processes exchanges round trips, bursts of them, or many
// calls at once as soak does: an end that looks again before it sleeps gets as much done as one
// that sleeps at once. A round is a slice of each, with either.
#include "row.hpp"

#include "support/calls.hpp"

#include <remora/service.hpp>

namespace {

using namespace torture;
using remora::pipe;
using test::number;

constexpr auto slice = 250ms;
constexpr int hogs = 2;
constexpr int burst = 10;
constexpr int callers = 8;
// Of what an end does that sleeps at once.
constexpr double wanted = 0.8;

int compute() {
    for (volatile unsigned n = 0;;)
        n = n + 1;
}

asio::awaitable<void> echo(pipe p) {
    while (const auto n = co_await p.next<number>())
        co_await p.send(*n);
}

asio::awaitable<void> answer(pipe p) {
    remora::service s;
    s.on([](test::add q) { return test::sum{q.a + q.b}; });
    s.on([](test::echo e) { return std::move(e.what); });
    co_await p.serve(s);
}

// What one end does until then, counted.
using work = asio::awaitable<void> (*)(pipe&, clock::time_point, std::uint64_t&);

asio::awaitable<void> round_trips(pipe& p, clock::time_point end, std::uint64_t& count) {
    for (number n; clock::now() < end; ++count, ++n.value) {
        co_await p.send(n);
        const auto back = co_await p.receive<number>();
        if (back.value != n.value) throw std::runtime_error("another number came back");
    }
}

asio::awaitable<void> bursts(pipe& p, clock::time_point end, std::uint64_t& count) {
    asio::steady_timer pause(p.get_executor());
    for (number n; clock::now() < end; ++count) {
        co_await p.send(n);
        co_await p.receive<number>();
        if (count % burst != 0) continue;
        pause.expires_after(2ms);
        co_await pause.async_wait(asio::use_awaitable);
    }
}

asio::awaitable<void> call_often(pipe& p, clock::time_point end, std::uint64_t& count) {
    for (std::int64_t i = 0; clock::now() < end; ++count, ++i) {
        const auto sum = co_await p.call<test::add>(i, std::int64_t{1});
        if (sum.value != i + 1) throw std::runtime_error("another sum");
        if (i % 10 != 0) continue;
        const test::echo question{test::make_blob(7, 20'000)};
        co_await p.call(question);
    }
}

asio::awaitable<void> calls(pipe& p, clock::time_point end, std::uint64_t& count) {
    std::vector<std::unique_ptr<test::background>> all;
    for (int i = 0; i != callers; ++i)
        all.push_back(
            std::make_unique<test::background>(p.get_executor(), call_often(p, end, count)));
    for (const auto& each : all) {
        if (const auto failed = co_await each->result(); failed.code)
            throw std::runtime_error(failed.text);
    }
}

struct pattern {
    const char* name;
    work here;
    asio::awaitable<void> (*there)(pipe);
};
constexpr std::array patterns{pattern{"round trips", round_trips, echo},
                              pattern{"bursts", bursts, echo}, pattern{"calls", calls, answer}};

// How much is done in a slice; none if that fails.
std::uint64_t done_in_slice(const row& r, const pattern& what, wait_policy waiting, verdict& v) {
    auto [near, far] = make_ends(r.over_fifos(), std::size_t{64} << 10);
    forked other([&] {
        forget(std::move(near));
        asio::io_context io{1};
        asio::co_spawn(io, what.there(test::make_pipe(io, std::move(far), waiting)),
                       asio::detached);
        io.run();
        return 0;
    });
    forget(std::move(far));
    asio::io_context io{1};
    std::uint64_t count = 0;
    {
        pipe p = test::make_pipe(io, std::move(near), waiting);
        bool done = false;
        asio::co_spawn(io, what.here(p, clock::now() + slice, count), [&](std::exception_ptr e) {
            done = true;
            if (e) v.expect(false, test::failure_of([&] { std::rethrow_exception(e); }).text);
        });
        v.expect(run_until(io, done, 30s), "a slice hangs");
    }
    io.restart();
    io.run_for(1s);  // until the end has closed
    return count;
}

verdict judge(row& r) {
    verdict v;
    std::vector<std::unique_ptr<forked>> busy;
    for (int i = 0; i != hogs; ++i)
        busy.push_back(std::make_unique<forked>(compute));
    std::array<std::vector<double>, patterns.size()> shares;
    for (std::uint64_t round = 0; round != r.rounds; ++round) {
        r.progress(round);
        for (std::size_t i = 0; i != patterns.size(); ++i) {
            const auto block = done_in_slice(r, patterns[i], wait_policy::block, v);
            const auto adaptive = done_in_slice(r, patterns[i], wait_policy::adaptive, v);
            shares[i].push_back(static_cast<double>(adaptive) /
                                static_cast<double>(std::max<std::uint64_t>(block, 1)));
        }
        if (!v.passed) return v;
    }
    for (std::size_t i = 0; i != patterns.size(); ++i) {
        std::ranges::sort(shares[i]);
        const double share = shares[i][shares[i].size() / 2];
        char text[64];
        std::snprintf(text, sizeof text, "%s %.2f of block", patterns[i].name, share);
        v.figures += (i == 0 ? "" : ", ") + std::string(text);
        v.expect(share >= wanted, text);
    }
    return v;
}

}  // namespace

int main(int argc, char** argv) {
    return row("a pair of processes beside two that compute", 10).run(argc, argv, judge);
}
