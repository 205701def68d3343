// SPDX-License-Identifier: MIT
#include "plan.hpp"

#include <algorithm>

namespace bench {

namespace {

using strings = std::vector<std::string>;

constexpr std::size_t mebibyte = 1 << 20;

const strings waits{"block", "spin", "adaptive"};
const strings channels{"channel_one_thread", "channel_two_threads", "channel_go"};
const strings peers{"peer_zeromq", "peer_capnproto", "peer_grpc", "peer_boost_queue",
                    "peer_iceoryx"};

/// A row for each way to wait. On one CPU spinning is senseless: it keeps the peer from running.
void add_waits(std::vector<row>& plan, row next) {
    for (const auto& wait : waits) {
        if (next.cpus == 1 && wait == "spin") continue;
        next.wait = wait;
        plan.push_back(next);
    }
}

void add_trips(std::vector<row>& plan, const std::string& transport) {
    for (const int cpus : {2, 1}) {
        row next{.pattern = "round_trip", .transport = transport, .cpus = cpus};
        add_waits(plan, next);
        next.pattern = "bursts";
        for (const std::size_t batch : {1, 10, 100, 1000}) {
            next.batch = batch;
            add_waits(plan, next);
        }
    }
}

void add_busy(std::vector<row>& plan, const std::string& transport) {
    for (const auto& [pattern, batch] : {std::pair{"round_trip", 1}, {"bursts", 10}})
        for (const int cpus : {2, 1})
            for (const auto* wait : {"block", "adaptive"})
                plan.push_back({.pattern = pattern,
                                .transport = transport,
                                .wait = wait,
                                .batch = static_cast<std::size_t>(batch),
                                .cpus = cpus,
                                .hogs = 2});
}

void add_streams(std::vector<row>& plan, const std::string& transport) {
    row next{.pattern = "one_way", .transport = transport, .bytes = 64};
    add_waits(plan, next);
    next.batch = 64;
    add_waits(plan, next);
    add_waits(plan, {.pattern = "bulk", .transport = transport, .bytes = mebibyte});
}

void add_pipes(std::vector<row>& plan, const std::string& transport) {
    for (const std::size_t pipes : {1, 8, 64, 256})
        add_waits(plan, {.pattern = "pipes", .transport = transport, .pipes = pipes});
}

void add_calls(std::vector<row>& plan, const std::string& transport) {
    for (const auto* pattern : {"calls", "calls_coroutine"})
        for (const std::size_t batch : {1, 64})
            add_waits(plan, {.pattern = pattern, .transport = transport, .batch = batch});
    add_waits(plan, {.pattern = "stream", .transport = transport, .bytes = 64});
}

void add_others(std::vector<row>& plan, const strings& names) {
    for (const auto& transport : names) {
        plan.push_back({.pattern = "round_trip", .transport = transport});
        plan.push_back({.pattern = "one_way", .transport = transport, .bytes = 64});
        if (transport.starts_with("channel")) continue;
        plan.push_back({.pattern = "bulk", .transport = transport, .bytes = mebibyte});
    }
}

bool is_quick(const row& what) {
    if (what.hogs != 0) return false;
    if (what.pattern == "bursts") return what.batch == 10 && what.wait != "spin";
    if (what.pattern == "pipes" && what.pipes > 8) return false;
    return !is_remora(what) || what.wait == "adaptive" || what.pattern == "round_trip";
}

}  // namespace

const std::vector<std::string>& all_patterns() {
    static const strings patterns{"round_trip", "one_way",         "bulk",   "bursts", "pipes",
                                  "calls",      "calls_coroutine", "stream", "start",  "memory"};
    return patterns;
}

std::vector<row> whole_plan() {
    std::vector<row> plan;
    for (const auto* transport : {"fifo", "shared_memory"}) {
        add_trips(plan, transport);
        add_busy(plan, transport);
        add_streams(plan, transport);
        add_pipes(plan, transport);
        add_calls(plan, transport);
        plan.push_back({.pattern = "start", .transport = transport, .wait = "adaptive"});
        plan.push_back(
            {.pattern = "memory", .transport = transport, .wait = "adaptive", .pipes = 64});
    }
    add_others(plan, channels);
    add_others(plan, peers);
    const auto order = [](const row& what) {
        return std::ranges::find(all_patterns(), what.pattern) - all_patterns().begin();
    };
    std::ranges::stable_sort(plan, {}, order);
    return plan;
}

std::vector<row> quick_plan() {
    std::vector<row> plan = whole_plan();
    std::erase_if(plan, [](const row& what) { return !is_quick(what); });
    return plan;
}

bool is_remora(const row& what) {
    return what.transport == "fifo" || what.transport == "shared_memory";
}

bool counts_messages(const row& what) {
    return what.pattern == "one_way" || what.pattern == "bulk" || what.pattern == "pipes" ||
           what.hogs != 0;
}

std::string title(const row& what) {
    std::string text = what.pattern + ' ' + what.transport;
    if (is_remora(what)) text += ' ' + what.wait;
    if (what.batch != 1) text += ", batch " + std::to_string(what.batch);
    if (what.pattern == "pipes") text += ", pipes " + std::to_string(what.pipes);
    if (what.cpus == 1) text += ", one CPU";
    if (what.hogs != 0) text += ", hogs " + std::to_string(what.hogs);
    return text;
}

}  // namespace bench
