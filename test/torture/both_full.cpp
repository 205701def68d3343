// SPDX-License-Identifier: MIT
// Two processes that send to each other at once, by several coroutines each, while both receive.
// A round is a mebibyte in each direction, shared out among the settings. Both finish, every byte
// is right, and the memory stays within what the queue, one message and one being received take.
#include "row.hpp"

#include "support/messages.hpp"

#include <cmath>
#include <cstring>
#include <random>

namespace {

using namespace torture;
using remora::pipe;
using test::background;
using test::blob;

constexpr std::size_t mebibyte = 1u << 20;
constexpr int senders = 4;

// The bytes of all messages: each begins somewhere in the first part, as its number says.
const std::vector<std::uint8_t>& pattern() {
    static const std::vector<std::uint8_t> all = test::make_blob(7, 17 * mebibyte).bytes;
    return all;
}
const std::uint8_t* bytes_of(std::uint64_t number) {
    return pattern().data() + number % 251;
}

}  // namespace

namespace test {
/// Sent as a blob, without bytes of its own.
struct view {
    std::uint64_t number;
    std::size_t size;
    template <class Archive>
    void save(Archive& ar) const {
        ar(number, cereal::binary_data(bytes_of(number), size));
    }
};
}  // namespace test

template <>
inline constexpr std::string_view remora::type_name<test::view> = "blob";

namespace {

struct traffic {
    std::uint64_t bytes_to_send;
    std::size_t largest;
    std::uint64_t seed;
};

// Sizes spread evenly over their logarithm; the first one is the largest of all.
class sizes {
public:
    explicit sizes(const traffic& t)
        : largest_(t.largest), left_(t.bytes_to_send), random_(t.seed) {}
    std::size_t next() {
        const double most = std::log2(static_cast<double>(largest_));
        const double power = first_ ? most : std::uniform_real_distribution(0.0, most)(random_);
        first_ = false;
        const auto size =
            std::min<std::uint64_t>(left_, static_cast<std::uint64_t>(std::exp2(power)));
        left_ -= size;
        return size;
    }

private:
    std::size_t largest_;
    std::uint64_t left_;
    std::mt19937_64 random_;
    bool first_ = true;
};

asio::awaitable<void> send(pipe& p, sizes& left) {
    while (const std::size_t size = left.next()) {
        const test::view v{size, size};
        co_await p.send(v);
    }
}

asio::awaitable<void> take(pipe& p, std::uint64_t bytes) {
    blob b;
    b.bytes.reserve(16 * mebibyte);
    for (std::uint64_t taken = 0; taken < bytes; taken += b.bytes.size()) {
        co_await p.receive(b);
        const bool right = b.number == b.bytes.size() && !b.bytes.empty() &&
                           std::memcmp(b.bytes.data(), bytes_of(b.number), b.bytes.size()) == 0;
        if (!right) throw std::runtime_error("bytes out of place");
    }
}

asio::awaitable<void> talk(pipe& p, traffic t) {
    sizes left(t);
    std::vector<std::unique_ptr<background>> running;
    for (int i = 0; i < senders; ++i)
        running.push_back(std::make_unique<background>(p.get_executor(), send(p, left)));
    co_await take(p, t.bytes_to_send);
    for (const auto& each : running) {
        if (const auto f = co_await each->result(); f.code) throw std::runtime_error(f.text);
    }
}

/// The growth of this process in KiB, with small messages and with large ones; negative: failed.
struct outcome {
    long small = -1, large = -1;
};

outcome one_side(transport_parts ends, const setting& s, std::uint64_t bytes, std::uint64_t seed) {
    asio::io_context io{1};
    pipe p = test::make_pipe(io, std::move(ends), s.waiting);
    outcome o;
    bool done = false, failed = false;
    const auto growth = [&](const traffic& t) -> asio::awaitable<long> {
        forget_peak();
        const long before = status_of_self("VmHWM");
        co_await talk(p, t);
        co_return status_of_self("VmHWM") - before;
    };
    const auto all = [&]() -> asio::awaitable<void> {
        const traffic warm_up{4 * mebibyte, 16 << 10, seed};
        const traffic small{bytes / 8, 64 << 10, seed};
        const traffic large{bytes - bytes / 8, 16 * mebibyte - 64, seed};
        blob touched;
        touched.bytes.resize(16 * mebibyte);  // what is received into
        touched = {};
        co_await talk(p, warm_up);
        o.small = co_await growth(small);
        o.large = co_await growth(large);
        co_await p.close();
    };
    asio::co_spawn(io, all(), [&](std::exception_ptr e) {
        done = true;
        failed = e != nullptr;
    });
    const bool in_time = run_until(io, done, 30s + bytes / mebibyte * 200ms);
    io.run_for(1s);
    return in_time && !failed ? o : outcome{};
}

verdict judge(row& r) {
    long small = 0, large = 0;
    verdict v;
    pattern();
    const auto start = clock::now();
    const std::uint64_t share = (r.rounds + settings.size() - 1) / settings.size();
    for (std::size_t i = 0; i != settings.size(); ++i) {
        r.progress(i * share);
        const setting& s = settings[i];
        auto [near, far] = make_ends(r.over_fifos(), s.size);
        int told[2];
        if (::pipe(told) != 0) throw std::runtime_error("pipe");
        forked other([&] {
            forget(std::move(near));
            const outcome o = one_side(std::move(far), s, share * mebibyte, r.seed + 1);
            return ::write(told[1], &o, sizeof o) == sizeof o ? 0 : 1;
        });
        forget(std::move(far));
        const outcome here = one_side(std::move(near), s, share * mebibyte, r.seed);
        outcome there;
        other.wait_for(30s);
        ::close(told[1]);
        if (::read(told[0], &there, sizeof there) < 0) throw std::runtime_error("read");
        ::close(told[0]);
        for (const outcome& o : {here, there}) {
            v.expect(o.small >= 0, "a side did not finish, sizes " + std::to_string(s.size));
            small = std::max(small, o.small);
            large = std::max(large, o.large);
        }
    }
    const std::chrono::duration<double> spent = clock::now() - start;
    // The queue and one message of 64 KiB beyond it, in a buffer that doubles; what is read ahead.
    const long queue = static_cast<long>(remora::pipe_limits{}.queue >> 10);
    const long most_small = (2 * (queue + 64) + 256) * 11 / 10;
    // A large message in the queue, while its buffer grows; received; and where it is decoded.
    const long most_large = (queue + (3 + 3) * 16 * 1024 + 16 * 1024) * 11 / 10;
    char text[300];
    std::snprintf(
        text, sizeof text,
        "%llu MiB each way in each of %zu settings, at %.0f MiB/s; growth with messages up "
        "to 64 KiB: %ld KiB of %ld, up to 16 MiB: %.1f MiB of %.1f",
        static_cast<unsigned long long>(share), settings.size(),
        static_cast<double>(share * settings.size()) / spent.count(), small, most_small,
        static_cast<double>(large) / 1024, static_cast<double>(most_large) / 1024);
    v.figures = text;
    v.expect(small <= most_small, "more than " + std::to_string(most_small) + " KiB");
    v.expect(large <= most_large, "more than " + std::to_string(most_large) + " KiB");
    return v;
}

}  // namespace

int main(int argc, char** argv) {
    return row("both sides send at once", 1024).run(argc, argv, judge);
}
