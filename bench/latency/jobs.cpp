// SPDX-License-Identifier: MIT
#include "jobs.hpp"

#include <algorithm>
#include <set>

namespace bench {

namespace {

std::string floor_transport(const row& what) {
    if (what.pattern == "start") return "floor_spawn";
    const bool sleeps = what.wait == "block" || what.cpus == 1;
    if (sleeps && !counts_messages(what)) return "floor_fifo_block";
    return what.transport == "fifo" ? "floor_fifo_spin" : "floor_shared_memory_spin";
}

std::string way_to_wait(const std::string& floor) {
    if (floor.ends_with("_block")) return "block";
    return floor.ends_with("_spin") ? "spin" : "";
}

}  // namespace

bool filter::accepts(const row& candidate) const {
    const auto allow = [](const std::vector<std::string>& list, const std::string& name) {
        return list.empty() || std::ranges::find(list, name) != list.end();
    };
    return allow(patterns, candidate.pattern) && allow(transports, candidate.transport) &&
           allow(waits, candidate.wait);
}

bool is_floor(const row& what) {
    return what.transport.starts_with("floor_");
}

std::optional<row> floor_of(const row& what) {
    if (what.pattern == "memory" || what.hogs != 0 || is_floor(what)) return std::nullopt;
    row floor = what;
    if (what.pattern == "pipes") {
        floor.pipes = 1;
        return what.pipes == 1 ? std::nullopt : std::optional{floor};
    }
    if (what.pattern == "stream" || what.pattern.starts_with("calls")) {  // the plain messages
        const bool one_by_one = what.pattern != "stream" && what.batch == 1;
        floor.pattern = one_by_one ? "round_trip" : "one_way";
        floor.bytes = one_by_one ? 0 : 64;
        floor.batch = 1;
        return floor;
    }
    floor.transport = floor_transport(what);
    floor.wait = way_to_wait(floor.transport);
    return floor;
}

std::vector<job> jobs_of(const std::vector<row>& plan, const filter& wanted) {
    std::vector<job> jobs;
    std::set<row> measured;
    for (const auto& what : plan) {
        if (!wanted.accepts(what)) continue;
        const auto floor = floor_of(what);
        jobs.push_back({what, floor});
        if (floor) measured.insert(*floor);
    }
    for (const auto& what : plan) {
        const auto floor = floor_of(what);
        if (!floor || !is_floor(*floor) || !wanted.accepts(*floor)) continue;
        if (measured.insert(*floor).second) jobs.push_back({*floor, std::nullopt});
    }
    return jobs;
}

}  // namespace bench
