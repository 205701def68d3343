// SPDX-License-Identifier: MIT
// Calls that call back, to depth 8, at every window: all end, or fail as `overloaded`; none hangs.
#include "row.hpp"

#include "support/calls.hpp"

#include "wire/control_records.hpp"

#include <remora/pipe.hpp>

#include <random>

namespace {

using namespace torture;
using remora::pipe;
using test::background;

constexpr std::uint32_t deepest = 8;

// Its handler calls back, so many times, and takes its time at random.
struct nest {
    using reply = test::sum;
    std::uint32_t depth = 0, pause_us = 0;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(depth, pause_us);
    }
};

struct outcome {
    std::uint64_t answered = 0, overloaded = 0, wrong = 0, left = 0, hangs = 0;

    void add(const outcome& o) {
        answered += o.answered, overloaded += o.overloaded, wrong += o.wrong;
        left += o.left, hangs += o.hangs;
    }
};

asio::awaitable<test::sum> call_back(pipe& p, nest n) {
    if (n.pause_us != 0) {
        asio::steady_timer pause(p.get_executor(), std::chrono::microseconds(n.pause_us));
        co_await pause.async_wait(asio::use_awaitable);
    }
    if (n.depth == 0) co_return test::sum{0};
    const nest next{n.depth - 1, n.pause_us};
    const auto below = co_await p.call(next);
    co_return test::sum{below.value + 1};
}

remora::service nesting(pipe& p, std::size_t window) {
    remora::service s({.max_in_flight = window});
    s.on([&p](nest n) { return call_back(p, n); });
    return s;
}

asio::awaitable<void> call(pipe& p, nest n, outcome& all) {
    const auto depth = n.depth;
    try {
        const auto s = co_await p.call(n);
        ++(s.value == depth ? all.answered : all.wrong);
    } catch (const remora::remote_error& e) {
        ++(e.code() == remora::errc::overloaded ? all.overloaded : all.wrong);
    }
}

asio::awaitable<void> call_both_ways(pipe& a, pipe& b, std::uint64_t seed, std::uint64_t calls,
                                     outcome& all) {
    std::mt19937_64 random(seed);
    std::vector<std::unique_ptr<background>> running;
    for (std::uint64_t i = 0; i != calls; ++i) {
        const nest n{static_cast<std::uint32_t>(random() % (deepest + 1)),
                     static_cast<std::uint32_t>(random() % 3 == 0 ? random() % 500 : 0)};
        pipe& p = random() % 4 == 0 ? b : a;
        running.push_back(std::make_unique<background>(p.get_executor(), call(p, n, all)));
    }
    for (auto& each : running)
        co_await each->result();
    for (const pipe* p : {&a, &b})
        all.left += p->counts().calls + p->counts().running_handlers + (p->is_open() ? 0 : 1);
}

// So many calls at once, half as many again as the window has.
outcome one_window(const row& r, const setting& s, std::size_t window, std::uint64_t seed) {
    asio::io_context io{1};
    auto [near, far] = make_ends(r.over_fifos(), s.size);
    const auto make = [&](transport_parts ends) {
        return test::make_pipe(io.get_executor(), std::move(ends), s.waiting,
                               remora::wire::all_features);
    };
    pipe a = make(std::move(near)), b = make(std::move(far));
    a.attach(nesting(a, window));
    b.attach(nesting(b, window));
    outcome all;
    bool done = false;
    asio::co_spawn(io, call_both_ways(a, b, seed, window + window / 2 + 1, all),
                   [&](std::exception_ptr e) {
                       done = true;
                       if (e) ++all.wrong;
                   });
    if (!run_until(io, done, 30s)) ++all.hangs;
    a = {}, b = {};
    io.run_for(1s);
    return all;
}

verdict judge(row& r) {
    outcome all;
    const auto ended = [&] { return all.answered + all.overloaded + all.wrong; };
    for (std::uint64_t i = 0; (ended() < r.rounds || i < settings.size()) && all.hangs == 0; ++i) {
        r.progress(ended());
        for (const std::size_t window : {1, 2, 3, 8, 64, 1024})
            all.add(one_window(r, settings[i % settings.size()], window, r.seed + i));
    }
    const auto count = [](std::uint64_t n) { return std::to_string(n); };
    r.rounds = ended();
    verdict v{count(ended()) + " calls to depth " + count(deepest) + ": " + count(all.answered) +
              " answered, " + count(all.overloaded) + " overloaded"};
    v.expect(all.hangs == 0, count(all.hangs) + " hang");
    v.expect(all.wrong == 0, count(all.wrong) + " wrong answers or failures");
    v.expect(all.left == 0, "tables not empty");
    v.expect(all.answered > all.overloaded, "too many are overloaded");
    return v;
}

}  // namespace

int main(int argc, char** argv) {
    return row("calls that call back, at every window", 20'000).run(argc, argv, judge);
}
