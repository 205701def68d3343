// SPDX-License-Identifier: MIT
// Rings whose peer is killed in the middle of a transfer, and rings that the peer scribbles over
// while they are read. Nothing crashes or hangs, and what is wrong is an error. And servers that
// have no memory for rings: see without_memory.hpp. Their app is this program, too.
#include "without_memory.hpp"

#include "support/messages.hpp"

#include <remora/client.hpp>

#include <random>

namespace {

using namespace torture;
using remora::errc;
using remora::pipe;
using remora::detail::ring_indices;
using remora::detail::shared_rings;
using test::background;
using test::blob;

constexpr std::array<std::size_t, 3> ring_sizes{4096, 65536, 262144};
constexpr auto limit = 5s;  // beyond it is a hang

struct tally {
    std::uint64_t messages = 0, refused = 0, torn = 0, wrong_ends = 0;
};

asio::awaitable<void> send_for_ever(pipe& p, std::uint64_t seed, std::size_t most) {
    for (std::mt19937_64 random(seed);;) {
        const blob b = test::make_blob(random(), 1 + random() % most);
        co_await p.send(b);
    }
}

// False if the conversation is over.
bool skip(pipe& p) try { return p.skip(); } catch (const std::system_error&) {
    return false;
}

// Takes what comes, until the conversation is over. What is no value is passed over.
asio::awaitable<std::error_code> take_all(pipe& p, tally& t) {
    for (blob b;;) {
        try {
            co_await p.receive(b);
            ++t.messages;
            if (b.bytes != test::make_blob(b.number, b.bytes.size()).bytes) ++t.torn;
            continue;
        } catch (const std::system_error& e) {
            if (!skip(p)) co_return e.code();
        }
        ++t.refused;
        co_await asio::post(p.get_executor(), asio::use_awaitable);
    }
}

// Sends and receives with `p` until its end, and says what that was.
asio::awaitable<std::error_code> talk(pipe& p, std::uint64_t seed, std::size_t most, tally& t) {
    background sending(p.get_executor(), send_for_ever(p, seed, most));
    const std::error_code end = co_await take_all(p, t);
    sending.cancel();
    co_await sending.result();
    co_return end;
}

wait_policy policy_of(std::mt19937_64& random) {
    constexpr std::array all{wait_policy::block, wait_policy::adaptive, wait_policy::spin};
    return all[random() % all.size()];
}

/// Plays the peer until it is killed; `in_between` is called again and again.
template <class F>
[[noreturn]] void play_peer(transport_parts ends, wait_policy waiting, std::uint64_t seed,
                            std::size_t most, F in_between) {
    asio::io_context io{1};
    tally t;
    pipe p = test::make_pipe(io, std::move(ends), waiting);
    asio::co_spawn(io, talk(p, seed, most, t), [](std::exception_ptr, std::error_code) {});
    for (;;) {
        if (io.stopped()) ::usleep(100);
        io.run_one_for(100us);
        in_between();
    }
}

// The peer is killed while both sides send. How long this side took to hear of it.
clock::duration kill_round(std::mt19937_64& random, tally& t) {
    const std::size_t size = ring_sizes[random() % ring_sizes.size()];
    const std::size_t most = random() % 2 == 0 ? 100 : 3 * size;
    auto [near, far] = make_ends(false, size);
    const auto waiting = policy_of(random);
    forked peer([&] {
        forget(std::move(near));
        play_peer(std::move(far), waiting, random(), most, [] {});
        return 0;
    });
    const shared_rings left = std::move(far.rings);  // until the peer has left
    far = {};
    asio::io_context io{1};
    pipe p = test::make_pipe(io, std::move(near), waiting);
    bool done = false;
    asio::co_spawn(io, talk(p, random(), most, t), [&](std::exception_ptr e, std::error_code end) {
        done = true;
        if (e || end != make_error_code(errc::broken_pipe)) ++t.wrong_ends;
    });
    io.run_for(std::chrono::microseconds(random() % 10'000));
    if (done) ++t.wrong_ends;
    const auto killed = clock::now();
    peer.kill();
    const bool ended = run_until(io, done, limit);
    const auto took = clock::now() - killed;
    peer.wait();
    p = {};
    io.restart();
    io.run_for(limit);  // nothing is left to do
    return ended && io.stopped() ? took : clock::duration::max();
}

/// Writes over what the server's side of a connection reads, and over the indices.
class scribbler {
public:
    scribbler(const shared_rings& rings, std::uint64_t seed)
        : size_(rings.size()),
          indices_(static_cast<ring_indices*>(rings.page())),
          data_(reinterpret_cast<volatile unsigned char*>(
              const_cast<std::byte*>(rings.reader().unread().data()))),
          random_(seed),
          contents_only_(seed % 2 == 0) {}

    void scribble() {
        const auto dice = random_() % 1000;
        if (dice < 2 && !contents_only_) {
            change_index(indices_[random_() % 2]);
        } else if (dice < 100) {  // about the header that is read next
            write(indices_[0].tail.load() + random_() % 64);
        } else if (dice < 500) {
            write(random_());
        }
    }

private:
    void write(std::uint64_t at) {
        constexpr std::array<unsigned, 6> likely{0, 1, 2, 0x7f, 0x80, 0xff};
        const auto value = random_() % 2 == 0 ? likely[random_() % likely.size()] : random_() % 256;
        data_[at & (size_ - 1)] = static_cast<unsigned char>(value);
    }
    void change_index(ring_indices& of) {
        auto& index = random_() % 2 == 0 ? of.head : of.tail;
        switch (random_() % 4) {
            case 0:
                return index.store(random_());
            case 1:
                return of.reader_sleeps.store(static_cast<std::uint32_t>(random_()));
            case 2:
                return of.writer_sleeps.store(static_cast<std::uint32_t>(random_()));
            default:
                return index.store(index.load() + random_() % (2 * size_) - size_);
        }
    }

    std::size_t size_;
    ring_indices* indices_;
    volatile unsigned char* data_;
    std::mt19937_64 random_;
    bool contents_only_;
};

// This process talks with a peer that goes mad and is killed in the end. The exit code: 0 good, 1 a
// hang, 3 that the peer has died by itself; crashes speak for themselves.
int be_scribbled_over(std::uint64_t seed, tally& t) {
    std::mt19937_64 random(seed);
    const std::size_t size = ring_sizes[random() % ring_sizes.size()];
    const std::size_t most = random() % 2 == 0 ? 100 : 2 * size;
    const auto waiting = policy_of(random);
    auto [near, far] = make_ends(false, size);
    forked peer([&] {
        scribbler pen(near.rings, seed);
        forget(std::move(near));
        play_peer(std::move(far), waiting, random(), most, [&] { pen.scribble(); });
        return 0;
    });
    const shared_rings left = std::move(far.rings);
    far = {};
    asio::io_context io{1};
    pipe p = test::make_pipe(io, std::move(near), waiting);
    bool done = false;
    asio::co_spawn(io, talk(p, random(), most, t), [&](std::exception_ptr e, std::error_code) {
        done = true;
        if (e) ++t.wrong_ends;
    });
    run_until(io, done, std::chrono::milliseconds(1 + random() % 20));
    peer.kill();
    if (peer.wait() != 128 + SIGKILL) return 3;
    if (!done && !run_until(io, done, limit)) return 1;
    p = {};
    io.restart();
    io.run_for(limit);  // nothing is left to do
    return io.stopped() ? 0 : 1;
}

int scribble_round(std::uint64_t seed, tally& all) {
    int told[2];
    if (::pipe(told) != 0) throw std::runtime_error("pipe");
    forked victim([&] {
        tally t;
        const int code = be_scribbled_over(seed, t);
        return ::write(told[1], &t, sizeof t) == sizeof t ? code : 2;
    });
    const int code = victim.wait_for(4 * limit);
    ::close(told[1]);
    tally t;
    if (::read(told[0], &t, sizeof t) > 0) {
        all.messages += t.messages, all.refused += t.refused, all.torn += t.torn;
        all.wrong_ends += t.wrong_ends;
    }
    ::close(told[0]);
    return code;
}

verdict judge(row& r) {
    std::mt19937_64 random(r.seed);
    verdict v;
    const run_parent directory;
    tally killed, scribbled;
    std::vector<clock::duration> times;
    std::uint64_t without_memory = 0;
    for (std::uint64_t i = 0; i != r.rounds; ++i) {
        if (i % 10 == 0) {
            r.progress(i);
            fall_back(v, directory);
            without_memory += 2;
        }
        const auto took = kill_round(random, killed);
        v.expect(took != clock::duration::max(), "a hang after a kill");
        times.push_back(took);
        const std::uint64_t seed = r.seed * 1'000'000 + i;
        const int code = scribble_round(seed, scribbled);
        v.expect(code == 0,
                 "scribbling, round " + std::to_string(seed) + ": code " + std::to_string(code));
    }
    const auto count = [](std::uint64_t n) { return std::to_string(n); };
    v.expect(killed.torn == 0, count(killed.torn) + " messages of the dead were torn");
    v.expect(killed.refused == 0, count(killed.refused) + " values of the dead were refused");
    v.expect(killed.wrong_ends + scribbled.wrong_ends == 0, "the wrong end");
    v.expect(killed.messages > r.rounds, "too few messages to prove a thing");
    v.expect(scribbled.refused + scribbled.torn > r.rounds / 20,
             "too few were refused to prove a thing");
    v.figures = "peer killed: noticed after p50 " + show(percentile(times, 0.5)) + ", p99 " +
                show(percentile(times, 0.99)) + ", max " + show(percentile(times, 1)) + ", " +
                count(killed.messages) +
                " messages before; scribbled: " + count(scribbled.messages) + " messages, " +
                count(scribbled.torn) + " changed, " + count(scribbled.refused) +
                " refused, no crash, no hang; " + count(without_memory) +
                " servers without memory fell back to FIFOs";
    return v;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc > 1 && std::string(argv[1]).starts_with("--remora.pipes=")) {
        asio::io_context io;
        remora::client client{io, argc, argv};
        return client.run(talk_over_fifos);
    }
    return row("rings whose peer is killed or mad", 300).run(argc, argv, judge);
}
