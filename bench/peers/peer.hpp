// SPDX-License-Identifier: MIT
/// What the programs of this directory share: the patterns, as loops over a client that can
/// `ask`, `send` and `acknowledge`.
#pragma once

#include "../slice.hpp"
#include "second_process.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace peer {

/// The exit code of a program that cannot measure what it is asked for.
inline constexpr int not_available = 77;

struct question {
    int a = 0;
    int b = 0;
    std::string op;
};

struct answer {
    int value = 0;
};

inline answer solve(int a, int b, std::string_view op) {
    return {op == "*" ? a * b : op == "+" ? a + b : 0};
}

/// A question for those who send plain bytes, which cannot hold a std::string.
struct flat_question {
    int a = 0;
    int b = 0;
    std::array<char, 8> op{};

    flat_question() = default;
    explicit flat_question(const question& q) : a(q.a), b(q.b) {
        q.op.copy(op.data(), op.size() - 1);
    }
    answer solved() const { return solve(a, b, op.data()); }
};

/// The row that is asked for, and a name that is free on this machine.
struct options : bench::slice_options {
    std::string name = "remora-bench-" + std::to_string(::getpid());

    bool asks() const { return pattern == "round_trip"; }
    bool lends() const { return pattern == "by_reference"; }
    /// Messages that are timed together.
    std::size_t chunk() const { return pattern == "bulk" || lends() ? 16 : 4096; }
};

/// Reads the command line, ends the program if it asks for a row that peers do not have, and
/// chooses the CPUs. `can_lend`: memory that the other process reads in place.
inline options parse(int argc, char** argv, bool can_lend = false) {
    options o;
    CLI::App app;
    o.add_to(app);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        std::exit(app.exit(e));
    }
    const bool known =
        o.asks() || o.pattern == "one_way" || o.pattern == "bulk" || (can_lend && o.lends());
    if (!known || o.batch != 1 || o.pipes != 1 || o.bytes == 0) {
        std::fprintf(stderr, "%s does not measure such a row\n", argv[0]);
        std::exit(not_available);
    }
    if (o.pattern == "bulk" && app.count("--bytes") == 0) o.bytes = std::size_t{1} << 20;
    bench::bind_to_cpus(o.cpus);
    bench::keep_memory();
    ::alarm(static_cast<unsigned>(o.seconds) + 30);  // nobody waits for ever
    return o;
}

/// Counts what comes in, as long as it is what was sent. Both ends of a message have the low byte
/// of its number.
class inbox {
public:
    explicit inbox(std::size_t bytes) : bytes_(bytes) {}

    void take(const void* data, std::size_t size) {
        const auto* bytes = static_cast<const unsigned char*>(data);
        const auto number = static_cast<unsigned char>(count_);
        if (size == bytes_ && bytes[0] == number && bytes[size - 1] == number) ++count_;
    }
    /// How many there were since the last call.
    std::uint64_t acknowledge() { return std::exchange(count_, 0); }

private:
    std::size_t bytes_;
    std::uint64_t count_ = 0;
};

/// Asks for `seconds`, and returns how many messages that were.
template <class Client>
std::uint64_t ask(Client& client, double seconds, bench::recorder& times) {
    auto begin = bench::now();
    const auto end = begin + static_cast<std::int64_t>(seconds * 1e9);
    std::uint64_t count = 0;
    while (begin < end) {
        const int a = static_cast<int>(count++ % 10'000);
        const answer got = client.ask({a, 7, "*"});
        times.add(bench::now() - begin);
        if (got.value != a * 7) fail("a wrong answer");
        begin = bench::now();
    }
    return 2 * count;
}

/// A message that is copied, and one that is written where the receiver reads it.
template <class Client>
void send_one(Client& client, std::span<unsigned char> message, unsigned char number) {
    message.front() = message.back() = number;
    client.send(std::as_bytes(message));
}
template <class Client>
    requires requires(Client& client) { client.send_in_place(std::size_t{}, 'n'); }
void lend_one(Client& client, const options& o, unsigned char number) {
    client.send_in_place(o.bytes, number);
}
void lend_one(auto&, const options&, unsigned char) {
}

/// Sends for `seconds`, waits until everything has come, and returns how many messages that were.
template <class Client>
std::uint64_t send(Client& client, const options& o, double seconds, bench::recorder& times) {
    std::vector<unsigned char> message(o.lends() ? 0 : o.bytes);
    auto begin = bench::now();
    const auto end = begin + static_cast<std::int64_t>(seconds * 1e9);
    const auto chunk = o.chunk();
    std::uint64_t count = 0;
    while (begin < end) {
        for (std::size_t i = 0; i != chunk; ++i) {
            const auto number = static_cast<unsigned char>(count++);
            o.lends() ? lend_one(client, o, number) : send_one(client, std::span(message), number);
        }
        const auto sent = bench::now();
        times.add((sent - begin) / static_cast<std::int64_t>(chunk));
        begin = sent;
    }
    if (client.acknowledge() != count) fail("messages were lost or wrong");
    return count;
}

/// Gives each process a CPU for itself where both of them poll for an answer. Streams are left to
/// the kernel, since they go faster where it puts both on one.
inline void bind_pollers(const options& o, const second_process& other) {
    if (o.asks()) bench::bind_pair(other.id(), o.cpus);
}

/// Measures one row, ends the other process, and prints the row.
template <class Client>
void measure(Client& client, const options& o, second_process& other) {
    bench::recorder times;
    const auto run = [&](double seconds) {
        return o.asks() ? ask(client, seconds, times) : send(client, o, seconds, times);
    };
    const auto cpu = [&] { return bench::cpu_time() + other.cpu_time(); };
    run(o.seconds / 10);
    times.start(cpu());
    const auto messages = run(o.seconds);
    times.finish(messages, o.asks() ? sizeof(flat_question) : o.bytes, cpu());
    other.end();
    times.print();
}

}  // namespace peer
