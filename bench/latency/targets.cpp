// SPDX-License-Identifier: MIT
#include "targets.hpp"

#include "units.hpp"

#include <algorithm>

namespace bench {

namespace {

constexpr std::size_t mebibyte = 1 << 20;

row adaptive(const std::string& pattern, const std::string& transport) {
    return {.pattern = pattern, .transport = transport, .wait = "adaptive"};
}

/// Collects those of the targets whose rows were measured.
class checker {
public:
    explicit checker(const results& measured) : measured_(measured) {}

    void floor_at_most(const row& what, double limit, const char* name = "to its floor") {
        if (!measured_.has(what)) return;
        if (const auto value = measured_.of(what).ratio)
            add(what, name, "<= ", limit, *value, ratio);
    }
    void at_most_of(const row& what, const row& other, const std::string& name, double limit) {
        if (const auto value = measured_.ratio(what, other))
            add(what, name, "<= ", limit, *value, ratio);
    }
    /// Throughput instead of time: as much of that of another row.
    void of_other_at_least(const row& what, const row& other, const std::string& name,
                           double limit) {
        if (const auto value = measured_.ratio(what, other))
            add(what, name, ">= ", limit, 1 / *value, ratio);
    }
    void at_least(const row& what, const char* figure, const std::string& name, double limit) {
        if (const auto value = figure_of(what, figure)) add(what, name, ">= ", limit, *value, rate);
    }
    void memory_at_most(const row& what, double limit) {
        if (const auto value = figure_of(what, "bytes_per_connection"))
            add(what, "memory a connection", "<= ", limit, *value, memory);
    }
    /// Throughput instead of time: what is left of that of the floor.
    void of_floor_at_least(const row& what, double limit) {
        if (!measured_.has(what)) return;
        if (const auto value = measured_.of(what).ratio)
            add(what, "messages/s to its floor's", ">= ", limit, 1 / *value, ratio);
    }

    std::vector<target> found;

private:
    std::optional<double> figure_of(const row& what, const char* figure) const {
        if (!measured_.has(what)) return std::nullopt;
        return measured_.of(what).measured.at(figure).get<double>();
    }
    void add(const row& what, const std::string& name, const std::string& sign, double limit,
             double value, std::string (*print)(double)) {
        const bool reached = sign == "<= " ? value <= limit : value >= limit;
        found.push_back({title(what), name, sign + print(limit), print(value), reached});
    }

    const results& measured_;
};

void check_trips(checker& check) {
    const row shared = adaptive("round_trip", "shared_memory");
    check.floor_at_most(shared, 1.6);
    check.at_most_of(shared, {.pattern = "round_trip", .transport = "channel_go"},
                     "to a Go channel's", 1);
    row fifo = adaptive("round_trip", "fifo");
    check.floor_at_most(fifo, 1.25);
    fifo.wait = "block";
    check.floor_at_most(fifo, 1.15);
}

void check_streams(checker& check) {
    row next = adaptive("one_way", "fifo");
    next.bytes = 64;
    check.of_floor_at_least(next, 0.6);
    next.batch = 64;
    check.at_least(next, "messages_per_s", "messages/s", 8e6);
    next = adaptive("one_way", "shared_memory");
    next.bytes = 64;
    check.at_least(next, "messages_per_s", "messages/s", 12e6);
    next.batch = 64;
    check.at_least(next, "messages_per_s", "messages/s", 20e6);
    next = adaptive("bulk", "fifo");
    next.bytes = mebibyte;
    check.at_least(next, "bytes_per_s", "bytes/s", 3e9);
    next.transport = "shared_memory";
    check.at_least(next, "bytes_per_s", "bytes/s", 20e9);
}

void check_calls(checker& check) {
    for (const auto* transport : {"fifo", "shared_memory"}) {
        const bool fifo = transport[0] == 'f';
        row next = adaptive("calls", transport);
        check.floor_at_most(next, 1.3, "to a round trip");
        next.batch = 64;
        check.at_least(next, "messages_per_s", "calls/s", fifo ? 2e6 : 4e6);
        next.pattern = "calls_coroutine";
        check.at_least(next, "messages_per_s", "calls/s", fifo ? 1.2e6 : 2.5e6);
        next = adaptive("stream", transport);
        next.bytes = 64;
        check.at_least(next, "messages_per_s", "items/s", fifo ? 2e6 : 5e6);
    }
}

void check_bursts(checker& check, const std::string& transport) {
    row next = adaptive("bursts", transport);
    for (const int cpus : {2, 1}) {
        next.cpus = cpus;
        for (const std::size_t batch : {1, 10, 100, 1000}) {
            next.batch = batch;
            row blocking = next;
            blocking.wait = "block";
            check.at_most_of(next, blocking, "to block", 1.2);
        }
    }
}

void check_busy(checker& check, const std::string& transport) {
    for (const auto& [pattern, batch] : {std::pair{"round_trip", 1}, {"bursts", 10}}) {
        row next = adaptive(pattern, transport);
        next.batch = static_cast<std::size_t>(batch);
        next.hogs = 2;
        for (const int cpus : {2, 1}) {
            next.cpus = cpus;
            row blocking = next;
            blocking.wait = "block";
            check.of_other_at_least(next, blocking, "messages/s to block's", 0.8);
        }
    }
}

void check_pipes(checker& check, const std::string& transport) {
    row many = adaptive("pipes", transport);
    many.pipes = 256;
    check.floor_at_most(many, 1.2, "to one pipe");
}

void check_memory(checker& check, const std::string& transport) {
    row next = adaptive("memory", transport);
    next.pipes = 64;
    check.memory_at_most(next, 16 * 1024);
}

void check_start(checker& check, const std::string& transport) {
    check.floor_at_most(adaptive("start", transport), 1.5);
}

}  // namespace

std::vector<target> targets_of(const results& measured) {
    checker check{measured};
    check_trips(check);
    check_streams(check);
    check_calls(check);
    for (const auto check_one : {check_bursts, check_busy, check_pipes, check_memory, check_start})
        for (const auto* transport : {"fifo", "shared_memory"})
            check_one(check, transport);
    return std::move(check.found);
}

}  // namespace bench
