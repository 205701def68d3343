// SPDX-License-Identifier: MIT
#include "inspect/rates.hpp"

namespace remora::inspect {
namespace {

flow flow_of(const pipe_traffic& now, const pipe_traffic& before, std::uint64_t calls,
             double seconds) {
    const auto each = [seconds](std::uint64_t count) {
        return seconds > 0 ? static_cast<double>(count) / seconds : 0;
    };
    return {.messages = each(now.messages - before.messages),
            .calls = each(calls),
            .items = each(now.items - before.items),
            .bytes = each(now.bytes - before.bytes)};
}

// A server that was busy at the look before has told nothing then.
pipe_rates rates_of(const wire::connection_report& now, const wire::connection_report& before) {
    if (!now.counts) return {};
    const std::chrono::duration<double> time = now.age - before.age;
    const pipe_counts a = before.counts.value_or(pipe_counts()), b = *now.counts;
    return {.in = flow_of(b.received, a.received, b.calls_served - a.calls_served, time.count()),
            .out = flow_of(b.sent, a.sent, b.calls_made - a.calls_made, time.count())};
}

}  // namespace

void rate_meter::measure(std::vector<answer>& answers) {
    std::map<connection, wire::connection_report> seen;
    for (answer& each : answers) {
        if (!each.report) continue;
        for (const wire::connection_report& now : each.report->connections) {
            const connection key{each.directory, now.id};
            const auto known = before_.find(key);
            const bool compares = known != before_.end();
            each.rates.push_back(
                rates_of(now, compares ? known->second : wire::connection_report()));
            // A busy one is compared with what it said last.
            if (now.counts)
                seen[key] = now;
            else if (compares)
                seen[key] = known->second;
        }
    }
    before_ = std::move(seen);
}

}  // namespace remora::inspect
