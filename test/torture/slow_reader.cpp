// SPDX-License-Identifier: MIT
// A peer process stops reading one pipe while other pipes to it go on: the sender suspends, memory
// does not grow, and the others are as fast as before. A round is a time without and one with a
// sender that is stuck; the median round counts, for the machine may do something else in one.
#include "row.hpp"

#include "support/messages.hpp"

namespace {

using namespace torture;
using remora::pipe;
using test::blob;
using test::number;

constexpr int echoes = 2;
constexpr int trips = 500;     // of each of them, in each half of a round
constexpr int messages = 200;  // to the slow reader
constexpr std::size_t message_size = 50'000;

// What the first echo also understands.
constexpr std::int64_t stop_reading = -1, read_on = -2;

class gate {
public:
    explicit gate(asio::io_context& io) : timer_(io) {}
    void open(bool is) {
        open_ = is;
        timer_.cancel();
    }
    asio::awaitable<void> pass() {
        while (!open_) {
            timer_.expires_at(clock::time_point::max());
            std::error_code ec;
            co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, ec));
        }
    }

private:
    asio::steady_timer timer_;
    bool open_ = true;
};

asio::awaitable<void> echo(pipe p, gate& g) {
    while (const auto n = co_await p.next<number>()) {
        if (n->value < 0) g.open(n->value == read_on);
        co_await p.send(*n);
    }
}

asio::awaitable<void> read_slowly(pipe p, gate& g) {
    for (;;) {
        co_await g.pass();
        const auto b = co_await p.next<blob>();
        if (!b) break;
        const blob right = test::make_blob(b->number, message_size);
        if (b->bytes != right.bytes) throw std::runtime_error("bytes out of place");
        if (b->number + 1 == messages) co_await p.send<number>(messages);
    }
}

int peer(std::vector<transport_parts> ends, wait_policy waiting) {
    asio::io_context io{1};
    gate g(io);
    int failed = 0;
    const auto end = [&](std::exception_ptr e) { failed += e ? 1 : 0; };
    asio::co_spawn(io, read_slowly(test::make_pipe(io, std::move(ends[0]), waiting), g), end);
    for (std::size_t i = 1; i != ends.size(); ++i)
        asio::co_spawn(io, echo(test::make_pipe(io, std::move(ends[i]), waiting), g), end);
    io.run();
    return failed;
}

struct figures {
    std::vector<clock::duration> free, stuck;  // p99 of the other pipes' round trips, one a round
    std::uint64_t most_sent = 0;               // bytes, while nobody read
    long growth = 0;                           // KiB
    int bursts = 0;
};

asio::awaitable<void> make_trips(pipe& p, std::vector<clock::duration>& times) {
    for (number n{1}; n.value <= trips; ++n.value) {
        const auto start = clock::now();
        co_await p.send(n);
        const auto back = co_await p.receive<number>();
        times.push_back(clock::now() - start);
        if (back.value != n.value) throw std::runtime_error("another number came back");
    }
}

asio::awaitable<void> send_burst(pipe& slow, std::uint64_t& sent) {
    for (std::uint64_t i = 0; i != messages; ++i) {
        const blob b = test::make_blob(i, message_size);
        co_await slow.send(b);
        sent += message_size;
    }
}

asio::awaitable<void> command(pipe& p, std::int64_t what) {
    const number n{what};
    co_await p.send(n);
    co_await p.receive<number>();
}

asio::awaitable<void> round(std::vector<pipe>& pipes, figures& f) {
    std::vector<clock::duration> free, stuck;
    for (int i = 1; i <= echoes; ++i)
        co_await make_trips(pipes[static_cast<std::size_t>(i)], free);
    co_await command(pipes[1], stop_reading);
    std::uint64_t sent = 0;
    long before = 0;
    test::background burst(pipes[0].get_executor(), send_burst(pipes[0], sent));
    for (int i = 1; i <= echoes; ++i) {
        co_await make_trips(pipes[static_cast<std::size_t>(i)], stuck);
        if (i != 1) continue;
        forget_peak();
        before = status_of_self("VmRSS");
    }
    f.free.push_back(percentile(std::move(free), 0.99));
    f.stuck.push_back(percentile(std::move(stuck), 0.99));
    f.growth = std::max(f.growth, status_of_self("VmHWM") - before);
    f.most_sent = std::max(f.most_sent, sent);
    if (burst.done()) throw std::runtime_error("the sender was not held up");
    co_await command(pipes[1], read_on);
    const auto last = co_await pipes[0].receive<number>();
    if (const auto end = co_await burst.result(); end.code || last.value != messages)
        throw std::runtime_error("the burst has failed " + end.text);
    ++f.bursts;
}

void rounds_of(row& r, const setting& s, std::uint64_t rounds, figures& f, verdict& v) {
    std::vector<transport_parts> near, far;
    for (int i = 0; i <= echoes; ++i) {
        auto [one, other] = make_ends(r.over_fifos(), s.size);
        near.push_back(std::move(one));
        far.push_back(std::move(other));
    }
    forked other([&] {
        for (auto& ends : near)
            forget(std::move(ends));
        return peer(std::move(far), s.waiting);
    });
    asio::io_context io{1};
    std::vector<pipe> pipes;
    for (int i = 0; i <= echoes; ++i) {
        const auto at = static_cast<std::size_t>(i);
        forget(std::move(far[at]));
        pipes.push_back(test::make_pipe(io, std::move(near[at]), s.waiting));
    }
    for (std::uint64_t i = 0; i != rounds; ++i) {
        bool done = false;
        asio::co_spawn(io, round(pipes, f), [&](std::exception_ptr e) {
            done = true;
            if (e) v.expect(false, test::failure_of([&] { std::rethrow_exception(e); }).text);
        });
        if (!run_until(io, done, 30s)) return v.expect(false, "a round hangs");
    }
    pipes.clear();
    io.run_for(1s);
    v.expect(other.wait_for(10s) == 0, "the other process has failed");
}

verdict judge(row& r) {
    figures f;
    verdict v;
    double worst = 0;
    for (std::size_t i = 0; i != settings.size(); ++i) {
        const std::uint64_t share = r.rounds / settings.size() + 1;
        r.progress(i * share);
        figures mine;
        rounds_of(r, settings[i], share, mine, v);
        // What the kernel or ring takes, the queue and one message.
        const std::size_t room = std::max<std::size_t>(settings[i].size, 1u << 20) +
                                 remora::pipe_limits{}.queue + 2 * message_size;
        v.expect(mine.most_sent <= room, "the sender went on: " + std::to_string(mine.most_sent));
        const auto free = percentile(mine.free, 0.5), stuck = percentile(mine.stuck, 0.5);
        const double factor =
            static_cast<double>(stuck.count()) / static_cast<double>(free.count());
        v.expect(stuck <= std::max<clock::duration>(2 * free, 50us),
                 "p99 of other pipes " + show(free) + ", then " + show(stuck) + ", size " +
                     std::to_string(settings[i].size));
        if (factor > worst) f.free = mine.free, f.stuck = mine.stuck, worst = factor;
        f.most_sent = std::max(f.most_sent, mine.most_sent);
        f.growth = std::max(f.growth, mine.growth);
    }
    v.expect(f.growth <= 512, "memory has grown by " + std::to_string(f.growth) + " KiB");
    v.figures = "other pipes p99 " + show(percentile(f.free, 0.5)) + ", with a stuck sender " +
                show(percentile(f.stuck, 0.5)) + "; it stops after " +
                std::to_string(f.most_sent >> 10) + " KiB; growth " + std::to_string(f.growth) +
                " KiB";
    return v;
}

}  // namespace

int main(int argc, char** argv) {
    return row("a peer that stops reading", 50).run(argc, argv, judge);
}
