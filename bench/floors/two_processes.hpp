// SPDX-License-Identifier: MIT
/// The patterns over a bare link between this process and its fork: what Remora is compared with.
/// A link is a class with
///
///     void send(const char* data, std::size_t size);           all of it
///     void receive(char* data, std::size_t size);              all of it
///     std::size_t receive_some(char* data, std::size_t size);  what is there, at least a byte
#pragma once

#include "../slice.hpp"
#include "peer_process.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <limits>
#include <thread>
#include <vector>

namespace bench {

// What Remora has on the wire, headers included.
constexpr std::size_t question_bytes = 56;
constexpr std::size_t answer_bytes = 40;
constexpr std::size_t record_overhead = 32;

constexpr std::size_t one_read = 64 * 1024;

inline bool is_one_way(const slice_options& slice) {
    return slice.pattern == "one_way" || slice.pattern == "bulk";
}

/// Answers questions, until the process is killed.
template <class Link>
[[noreturn]] void answer(Link& link) {
    std::array<char, question_bytes> question{};
    const std::array<char, answer_bytes> answer{};
    for (;;) {
        link.receive(question.data(), question.size());
        link.send(answer.data(), answer.size());
    }
}

/// Takes what comes, and answers only the last byte: the only one that is not 0.
template <class Link>
[[noreturn]] void swallow(Link& link, std::size_t bytes) {
    std::vector<char> buffer(std::max(bytes, one_read));
    const std::array<char, answer_bytes> done{};
    for (;;) {
        const std::size_t count = link.receive_some(buffer.data(), buffer.size());
        if (buffer[count - 1] != 0) link.send(done.data(), done.size());
    }
}

/// Round trips with a pause after each `burst` of them; how many messages that were.
template <class Link>
std::uint64_t round_trips(Link& link, std::uint64_t burst, std::int64_t until, recorder& samples) {
    const std::array<char, question_bytes> question{};
    std::array<char, answer_bytes> answer{};
    std::uint64_t count = 0;
    for (std::int64_t before = now(); before < until;) {
        link.send(question.data(), question.size());
        link.receive(answer.data(), answer.size());
        const std::int64_t after = now();
        samples.add(after - before);
        before = after;
        if (++count % burst == 0) {
            std::this_thread::sleep_for(std::chrono::milliseconds{2});
            before = now();
        }
    }
    return 2 * count;
}

/// Messages without an answer, but for the last; how many they were.
template <class Link>
std::uint64_t one_way(Link& link, const slice_options& slice, std::int64_t until,
                      recorder& samples) {
    const bool bulk = slice.pattern == "bulk";
    const std::size_t sends = std::max<std::size_t>((bulk ? 16 : 4096) / slice.batch, 1);
    const auto messages = static_cast<std::int64_t>(sends * slice.batch);
    std::vector<char> records(slice.batch * (slice.bytes + (bulk ? 0 : record_overhead)));
    std::array<char, answer_bytes> done{};
    std::int64_t count = 0;
    for (std::int64_t before = now(); before < until; count += messages) {
        for (std::size_t i = 0; i < sends; ++i)
            link.send(records.data(), records.size());
        const std::int64_t after = now();
        samples.add((after - before) / messages);
        before = after;
    }
    records.back() = 1;
    link.send(records.data(), records.size());
    link.receive(done.data(), done.size());
    return static_cast<std::uint64_t>(count) + slice.batch;
}

template <class Link>
std::uint64_t run_until(Link& link, const slice_options& slice, std::int64_t until,
                        recorder& samples) {
    if (is_one_way(slice)) return one_way(link, slice, until, samples);
    const bool bursts = slice.pattern == "bursts";
    const auto never = std::numeric_limits<std::uint64_t>::max();
    return round_trips(link, bursts ? slice.batch : never, until, samples);
}

/// Measures from `here`, while a fork serves `there`, and prints the result.
template <class Link>
void measure(const slice_options& slice, Link& here, Link& there) {
    const peer_process peer([&] {
        if (is_one_way(slice)) swallow(there, slice.bytes);
        answer(there);
    });
    bind_pair(peer.id(), slice.cpus);
    const auto time = static_cast<std::int64_t>(slice.seconds * 1e9);
    recorder samples;
    run_until(here, slice, now() + time / 10, samples);
    samples.start(cpu_time() + peer.cpu_time());
    const std::uint64_t messages = run_until(here, slice, now() + time, samples);
    const std::size_t bytes = is_one_way(slice) ? slice.bytes : (question_bytes + answer_bytes) / 2;
    samples.finish(messages, bytes, cpu_time() + peer.cpu_time());
    samples.print();
}

}  // namespace bench
