// SPDX-License-Identifier: MIT
// Calls in both directions between two processes, of which 30 % are cancelled or expire: each
// completes once, with its own answer, and nothing is left in the tables.
#include "row.hpp"

#include "../calls.hpp"

#include <random>

namespace {

using namespace torture;
using remora::failure_kind;
using remora::pipe;
using test::background;
using test::blob;

constexpr unsigned callers = 24;

struct echo_later {
    using reply = blob;
    blob what;
    std::uint32_t trips = 0;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(what, trips);
    }
};

asio::awaitable<blob> echo_in_a_while(echo_later e) {
    for (std::uint32_t i = 0; i < e.trips; ++i)
        co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    co_return std::move(e.what);
}

remora::service echoes() {
    remora::service s({.max_in_flight = 16});  // fewer than there are callers
    s.on([](test::echo e) { return std::move(e.what); });
    s.on(echo_in_a_while);
    return s;
}

struct tally {
    std::uint64_t made = 0, answered = 0, cancelled = 0, late = 0, wrong = 0;
    std::uint64_t left = 0, dropped = 0, hangs = 0;

    void add(const tally& t) {
        made += t.made, answered += t.answered, cancelled += t.cancelled, late += t.late;
        wrong += t.wrong, left += t.left, dropped += t.dropped, hangs += t.hangs;
    }
};

class caller {
public:
    caller(pipe& p, std::uint64_t seed, tally& all) : pipe_(p), random_(seed), all_(all) {}

    asio::awaitable<void> run(std::uint64_t calls) {
        for (std::uint64_t i = 0; i != calls; ++i) {
            const auto fate = random_() % 100;
            const auto deadline = fate < 15 ? std::chrono::microseconds(random_() % 300) : 1h;
            ++all_.made;
            background call(pipe_.get_executor(), call_once({.deadline = deadline}));
            if (fate >= 15 && fate < 30) {
                for (auto wait = random_() % 8; wait != 0; --wait)
                    co_await asio::post(pipe_.get_executor(), asio::use_awaitable);
                call.cancel();
            }
            co_await call.result();
        }
    }

private:
    // 1 B to 8 KiB, and at times up to 1 MiB.
    blob next_blob() {
        const std::size_t most = std::size_t{1} << (random_() % 64 == 0 ? 20 : random_() % 14);
        return test::make_blob(random_(), 1 + random_() % most);
    }

    asio::awaitable<void> call_once(remora::call_options options) {
        const test::echo direct{next_blob()};
        const bool later = random_() % 2 == 0;
        const auto trips = static_cast<std::uint32_t>(random_() % 6);
        const echo_later delayed{later ? direct.what : blob(), trips};
        try {
            blob back;
            if (later) {
                back = co_await pipe_.call(delayed, options);
            } else {
                back = co_await pipe_.call(direct, options);
            }
            const bool same = back.number == direct.what.number && back.bytes == direct.what.bytes;
            ++(same ? all_.answered : all_.wrong);
        } catch (const remora::remote_error& e) {
            ++(e.kind() == failure_kind::deadline ? all_.late : all_.wrong);
        } catch (const std::system_error& e) {
            ++(e.code() == asio::error::operation_aborted ? all_.cancelled : all_.wrong);
        }
    }

    pipe& pipe_;
    std::mt19937_64 random_;
    tally& all_;
};

// Both sides have to have done their calls before one looks at its tables: so each tells the other.
struct finished {
    using reply = void;
    template <class Archive>
    void serialize(Archive&) {}
};

asio::awaitable<void> storm(pipe& p, std::uint64_t seed, std::uint64_t calls, tally& all) {
    bool other_has_finished = false;
    auto service = echoes();
    service.on([&](finished) { other_has_finished = true; });
    p.attach(service);
    std::vector<std::unique_ptr<caller>> each;
    std::vector<std::unique_ptr<background>> running;
    for (unsigned i = 0; i != callers; ++i) {
        each.push_back(std::make_unique<caller>(p, seed * callers + i, all));
        running.push_back(
            std::make_unique<background>(p.get_executor(), each.back()->run(calls / callers)));
    }
    for (auto& r : running)
        co_await r->result();
    co_await p.call<finished>();
    asio::steady_timer pause(p.get_executor());
    for (int i = 0;
         i != 1000 && !(other_has_finished && p.counts().calls + p.counts().serving == 0); ++i) {
        pause.expires_after(5ms);
        co_await pause.async_wait(asio::use_awaitable);
    }
    all.left = p.counts().calls + p.counts().serving + (p.is_open() ? 0 : 1);
    all.dropped = p.counts().dropped;
}

tally one_side(connection_ends ends, wait_policy waiting, std::uint64_t seed, std::uint64_t calls) {
    asio::io_context io{1};
    tally all;
    bool done = false;
    pipe p = test::make_pipe(io, std::move(ends), waiting);
    asio::co_spawn(io, storm(p, seed, calls, all), [&](std::exception_ptr e) {
        done = true;
        if (e) ++all.wrong;
    });
    if (!run_until(io, done, 10s + calls * 1ms)) ++all.hangs;
    p = {};
    io.run_for(1s);
    return all;
}

// The calls of this process and of a forked one, over one pipe.
tally both_sides(const row& r, const setting& s, std::uint64_t seed, std::uint64_t calls) {
    auto [near, far] = make_ends(r.over_fifos(), s.size);
    int told[2];
    if (::pipe(told) != 0) throw std::runtime_error("pipe");
    tally all, others;
    forked other([&] {
        forget(std::move(near));
        const tally mine = one_side(std::move(far), s.waiting, seed + 1, calls / 2);
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
    tally all;
    std::uint64_t done = 0;
    const std::uint64_t slice = std::clamp<std::uint64_t>(r.rounds / 10, 480, 20'000);
    const auto start = clock::now();
    for (std::uint64_t i = 0; done < r.rounds; ++i, done += slice) {
        r.progress(done);
        all.add(both_sides(r, settings[i % settings.size()], r.seed + 2 * i, slice));
    }
    const auto count = [](std::uint64_t n) { return std::to_string(n); };
    const std::uint64_t ended = all.answered + all.cancelled + all.late;
    r.rounds = all.made;
    verdict v{count(all.made) + " calls: " + count(all.answered) + " answered, " +
              count(all.cancelled) + " cancelled, " + count(all.late) + " too late, " +
              count(all.left) + " left; " + show((clock::now() - start) / std::max(done, slice)) +
              " a call"};
    v.expect(all.hangs == 0, count(all.hangs) + " hang");
    v.expect(all.wrong == 0, count(all.wrong) + " wrong answers or failures");
    v.expect(ended + all.wrong == all.made, "some completed not once");
    v.expect(all.left == 0, "tables not empty");
    v.expect(all.dropped == 0, count(all.dropped) + " answers to unknown calls");
    v.expect(all.cancelled + all.late > all.made / 8, "too few were cancelled to prove a thing");
    return v;
}

}  // namespace

int main(int argc, char** argv) {
    return row("many calls, some of which are cancelled", 100'000).run(argc, argv, judge);
}
