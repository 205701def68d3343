// SPDX-License-Identifier: MIT
#include "results.hpp"

#include "child.hpp"
#include "jobs.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace bench {

namespace {

constexpr auto names = {"samples", "min_ns", "p50_ns",         "p90_ns",      "p99_ns",
                        "p999_ns", "max_ns", "messages_per_s", "bytes_per_s", "cpu_ns_per_message"};

double number(const figures& measured, const char* name) {
    return measured.at(name).get<double>();
}

figures merged(const std::string& name, std::vector<double> values) {
    if (name == "cpu_ns_per_message") return median(std::move(values));
    if (name == "min_ns") return std::llround(std::ranges::min(values));
    if (name == "max_ns") return std::llround(std::ranges::max(values));
    if (name != "samples") return std::llround(median(std::move(values)));
    return std::llround(std::accumulate(values.begin(), values.end(), 0.0));
}

}  // namespace

figures parsed(const row& what, const std::string& line) {
    figures measured = figures::parse(line, nullptr, false);
    if (!measured.is_object()) throw child_failed{"no JSON: " + line};
    for (const char* name : names)
        if (!measured.contains(name) || !measured[name].is_number())
            throw child_failed{std::string{"no number "} + name + ": " + line};
    if (!measured["curve"].is_array()) throw child_failed{"no curve: " + line};
    if (what.pattern == "memory" && !measured["bytes_per_connection"].is_number())
        throw child_failed{"no number bytes_per_connection: " + line};
    return measured;
}

double cost(const row& what, const figures& measured) {
    return counts_messages(what) ? 1e9 / number(measured, "messages_per_s")
                                 : number(measured, "p50_ns");
}

double median(std::vector<double> values) {
    std::ranges::sort(values);
    const std::size_t middle = values.size() / 2;
    return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

void results::add(const row& what, int round, figures measured) {
    if (!has(what)) order_.push_back(what);
    slices_[what].push_back({round, std::move(measured)});
}

void results::add_pair(const row& what, const row& floor, double ratio) {
    auto& entry = pairs_[what];
    entry.floor = floor;
    entry.ratios.push_back(ratio);
}

summary results::of(const row& what) const {
    const auto& slices = slices_.at(what);
    summary total{what, slices.front().measured, std::nullopt, std::nullopt};
    const auto merge = [&slices](const std::string& name, figures& target, const auto& of) {
        std::vector<double> values;
        for (const auto& one : slices)
            values.push_back(of(one.measured).template get<double>());
        target = merged(name, std::move(values));
    };
    for (const auto& [name, value] : total.measured.items())
        if (value.is_number())
            merge(name, value, [&name](const figures& one) { return one.at(name); });
    auto& curve = total.measured["curve"];
    for (std::size_t i = 0; i < curve.size(); ++i)
        merge("curve", curve[i][1],
              [i](const figures& one) { return one.at("curve").at(i).at(1); });
    if (const auto found = pairs_.find(what); found != pairs_.end()) {
        total.floor = found->second.floor;
        total.ratio = median(found->second.ratios);
    }
    return total;
}

std::vector<summary> results::all() const {
    std::vector<row> rows = order_;
    const auto order = [](const row& what) {
        const auto pattern = std::ranges::find(all_patterns(), what.pattern);
        return std::pair{pattern - all_patterns().begin(), is_floor(what)};
    };
    std::ranges::stable_sort(rows, {}, order);
    std::vector<summary> summaries;
    for (const auto& what : rows)
        summaries.push_back(of(what));
    return summaries;
}

std::optional<double> results::ratio(const row& what, const row& other) const {
    std::vector<double> ratios;
    if (!has(what) || !has(other)) return std::nullopt;
    for (const auto& one : slices_.at(what))
        for (const auto& two : slices_.at(other))
            if (one.round == two.round)
                ratios.push_back(cost(what, one.measured) / cost(other, two.measured));
    if (ratios.empty()) return std::nullopt;
    return median(std::move(ratios));
}

nlohmann::ordered_json to_json(const std::vector<summary>& rows) {
    auto list = nlohmann::ordered_json::array();
    for (const auto& [what, measured, floor, ratio] : rows) {
        nlohmann::ordered_json one{{"pattern", what.pattern}, {"transport", what.transport},
                                   {"wait", what.wait},       {"bytes", what.bytes},
                                   {"batch", what.batch},     {"pipes", what.pipes},
                                   {"cpus", what.cpus},       {"hogs", what.hogs}};
        for (const char* name : names)
            one[name] = measured.at(name);
        one["ratio"] = ratio ? nlohmann::ordered_json(*ratio) : nullptr;
        one["floor"] = floor ? nlohmann::ordered_json(title(*floor)) : nullptr;
        one["curve"] = measured.at("curve");
        if (what.pattern == "memory")
            one["bytes_per_connection"] = measured.at("bytes_per_connection");
        list.push_back(std::move(one));
    }
    return list;
}

}  // namespace bench
