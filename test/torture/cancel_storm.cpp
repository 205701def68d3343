// SPDX-License-Identifier: MIT
// Calls in both directions between two processes, of which some 30 % are cancelled or expire: each
// completes once, with its own answer, and nothing is left in the tables.
#include "row.hpp"

#include "support/call_storm.hpp"

namespace {

using namespace torture;
using remora::pipe;
using test::background;

constexpr unsigned callers = 24;

struct outcome {
    test::tally calls;
    std::uint64_t left = 0, dropped = 0, hangs = 0;

    void add(const outcome& o) {
        calls.made += o.calls.made, calls.answered += o.calls.answered;
        calls.cancelled += o.calls.cancelled, calls.late += o.calls.late;
        calls.wrong += o.calls.wrong;
        left += o.left, dropped += o.dropped, hangs += o.hangs;
    }
};

// Both sides have to have done their calls before one looks at its tables: so each tells the other.
struct finished {
    using reply = void;
    template <class Archive>
    void serialize(Archive&) {}
};

asio::awaitable<void> storm(pipe& p, std::uint64_t seed, std::uint64_t calls, outcome& all) {
    bool other_has_finished = false;
    auto service = test::echoes();
    service.on([&](finished) { other_has_finished = true; });
    p.attach(service);
    std::vector<std::unique_ptr<test::storm_caller>> each;
    std::vector<std::unique_ptr<background>> running;
    for (unsigned i = 0; i != callers; ++i) {
        each.push_back(std::make_unique<test::storm_caller>(p, seed * callers + i, all.calls));
        running.push_back(
            std::make_unique<background>(p.get_executor(), each.back()->run(calls / callers)));
    }
    for (auto& r : running)
        co_await r->result();
    co_await p.call<finished>();
    asio::steady_timer pause(p.get_executor());
    for (int i = 0;
         i != 1000 && !(other_has_finished && p.counts().calls + p.counts().running_handlers == 0);
         ++i) {
        pause.expires_after(5ms);
        co_await pause.async_wait(asio::use_awaitable);
    }
    all.left = p.counts().calls + p.counts().running_handlers + (p.is_open() ? 0 : 1);
    all.dropped = p.counts().dropped;
}

outcome one_side(transport_parts ends, wait_policy waiting, std::uint64_t seed,
                 std::uint64_t calls) {
    asio::io_context io{1};
    outcome all;
    bool done = false;
    pipe p = test::make_pipe(io, std::move(ends), waiting);
    asio::co_spawn(io, storm(p, seed, calls, all), [&](std::exception_ptr e) {
        done = true;
        if (e) ++all.calls.wrong;
    });
    if (!run_until(io, done, 10s + calls * 1ms)) ++all.hangs;
    p = {};
    io.run_for(1s);
    return all;
}

// The calls of this process and of a forked one, over one pipe.
outcome both_sides(const row& r, const setting& s, std::uint64_t seed, std::uint64_t calls) {
    auto [near, far] = make_ends(r.over_fifos(), s.size);
    int told[2];
    if (::pipe(told) != 0) throw std::runtime_error("pipe");
    outcome all, others;
    forked other([&] {
        forget(std::move(near));
        const outcome mine = one_side(std::move(far), s.waiting, seed + 1, calls / 2);
        return ::write(told[1], &mine, sizeof mine) == sizeof mine ? 0 : 1;
    });
    forget(std::move(far));
    all = one_side(std::move(near), s.waiting, seed, calls / 2);
    if (other.wait_for(10s) != 0 || ::read(told[0], &others, sizeof others) != sizeof others)
        ++others.hangs;
    ::close(told[0]);
    ::close(told[1]);
    all.add(others);
    return all;
}

verdict judge(row& r) {
    outcome all;
    const std::uint64_t slice = std::clamp<std::uint64_t>(r.rounds / 10, 480, 20'000);
    const auto start = clock::now();
    for (std::uint64_t i = 0; all.calls.made < r.rounds && all.hangs == 0; ++i) {
        r.progress(all.calls.made);
        all.add(both_sides(r, settings[i % settings.size()], r.seed + 2 * i, slice));
    }
    const std::uint64_t wanted = r.rounds;
    const auto count = [](std::uint64_t n) { return std::to_string(n); };
    const test::tally& calls = all.calls;
    r.rounds = calls.made;
    verdict v{count(calls.made) + " calls: " + count(calls.answered) + " answered, " +
              count(calls.cancelled) + " cancelled, " + count(calls.late) + " too late, " +
              count(all.left) + " left; " +
              show((clock::now() - start) / std::max<std::uint64_t>(calls.made, 1)) + " a call"};
    v.expect(all.hangs == 0, count(all.hangs) + " hang");
    v.expect(calls.made >= wanted, "fewer calls than wanted");
    v.expect(calls.wrong == 0, count(calls.wrong) + " wrong answers or failures");
    v.expect(calls.completed() == calls.made, "some completed not once");
    v.expect(all.left == 0, "tables not empty");
    v.expect(all.dropped == 0, count(all.dropped) + " answers to unknown calls");
    v.expect(calls.cancelled + calls.late > calls.made / 4,
             "too few were cancelled to prove a thing");
    return v;
}

}  // namespace

int main(int argc, char** argv) {
    return row("many calls, some of which are cancelled", 100'000).run(argc, argv, judge);
}
