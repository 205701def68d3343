// SPDX-License-Identifier: MIT
#include "rounds.hpp"

#include <utility>

namespace bench {

results rounds::run(const std::vector<job>& jobs) {
    std::size_t slices = 0;
    for (const auto& one : jobs)
        slices += one.floor ? 2 : 1;
    progress bar{slices * static_cast<std::size_t>(settings_.rounds)};
    for (int round = 0; round < settings_.rounds; ++round)
        for (const auto& one : jobs)
            measure_pair(one, round, bar);
    return std::move(measured_);
}

/// The floor is first in every second round, so that neither profits from its place.
void rounds::measure_pair(const job& next, int round, progress& bar) {
    std::optional<figures> floor;
    const bool floor_first = round % 2 == 1;
    if (next.floor && floor_first) floor = measure(*next.floor, round, bar);
    const auto mine = measure(next.what, round, bar);
    if (next.floor && !floor_first) floor = measure(*next.floor, round, bar);
    if (!mine || !floor) return;
    const double ratio = cost(next.what, *mine) / cost(*next.floor, *floor);
    measured_.add_pair(next.what, *next.floor, ratio);
}

std::optional<figures> rounds::measure(const row& what, int round, progress& bar) {
    bar.next(title(what));
    if (given_up_.contains(what)) return std::nullopt;
    const std::chrono::duration<double> limit{settings_.seconds * 1.1 + 30};
    try {
        const auto command = where_.command(what, settings_.seconds);
        const auto nanoseconds = std::chrono::ceil<std::chrono::nanoseconds>(limit);
        figures line = parsed(what, output_of(command, nanoseconds, requests_));
        measured_.add(what, round, line);
        return line;
    } catch (const child_unavailable& missing) {
        bar.say("not available: " + title(what) + ": " + missing.what());
    } catch (const child_failed& failure) {
        failed_ = true;
        bar.say("failed: " + title(what) + ": " + failure.what());
    }
    given_up_.insert(what);
    return std::nullopt;
}

}  // namespace bench
