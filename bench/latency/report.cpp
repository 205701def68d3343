// SPDX-License-Identifier: MIT
#include "report.hpp"

#include "units.hpp"

#include <algorithm>
#include <cstdio>
#include <map>

namespace bench {

namespace {

using line = std::vector<std::string>;

constexpr std::size_t text_columns = 3;

const line heading{"pattern", "transport", "wait",       "bytes",       "batch",  "pipes",
                   "cpus",    "hogs",      "min",        "p50",         "p90",    "p99",
                   "p99.9",   "max",       "messages/s", "CPU/message", "x floor"};

std::string or_dash(const std::string& text) {
    return text.empty() ? "-" : text;
}

line line_of(const summary& one) {
    const row& what = one.what;
    line cells{what.pattern,
               what.transport,
               or_dash(what.wait),
               what.bytes == 0 ? "-" : memory(static_cast<double>(what.bytes)),
               std::to_string(what.batch),
               std::to_string(what.pipes),
               std::to_string(what.cpus),
               std::to_string(what.hogs)};
    const auto number = [&one](const char* name) { return one.measured.at(name).get<double>(); };
    for (const char* name : {"min_ns", "p50_ns", "p90_ns", "p99_ns", "p999_ns", "max_ns"})
        cells.push_back(duration(number(name)));
    cells.push_back(rate(number("messages_per_s")));
    cells.push_back(duration(number("cpu_ns_per_message")));
    cells.push_back(one.ratio ? ratio(*one.ratio) : "-");
    return cells;
}

/// Columns as wide as their widest cell, the first of them flush left. An empty line stays one.
void print_aligned(const std::vector<line>& lines, std::size_t flush_left) {
    std::vector<std::size_t> widths;
    for (const auto& cells : lines) {
        widths.resize(std::max(widths.size(), cells.size()));
        for (std::size_t i = 0; i < cells.size(); ++i)
            widths[i] = std::max(widths[i], width_of(cells[i]));
    }
    for (const auto& cells : lines) {
        std::string text;
        for (std::size_t i = 0; i < cells.size(); ++i) {
            if (i != 0) text += "  ";
            text += i < flush_left ? left(cells[i], widths[i]) : right(cells[i], widths[i]);
        }
        text.erase(text.find_last_not_of(' ') + 1);
        std::printf("%s\n", text.c_str());
    }
}

}  // namespace

void print_table(const std::vector<summary>& rows) {
    std::vector<line> lines{heading};
    std::string pattern;
    for (const auto& one : rows) {
        if (one.what.pattern == "memory") continue;  // it has no times
        if (pattern != one.what.pattern) lines.emplace_back();
        pattern = one.what.pattern;
        lines.push_back(line_of(one));
    }
    if (lines.size() > 1) print_aligned(lines, text_columns);
}

void print_targets(const std::vector<target>& targets) {
    if (targets.empty()) return;
    std::vector<line> lines{{"Figures", "", "target", "measured", ""}, {}};
    for (const auto& one : targets)
        lines.push_back(
            {one.name, one.what, one.wanted, one.measured, one.reached ? "reached" : "missed"});
    std::printf("\n");
    print_aligned(lines, lines.front().size());
}

void print_versions(const std::vector<summary>& rows) {
    std::map<std::string, std::string> versions;
    for (const auto& one : rows)
        if (const auto found = one.measured.find("version"); found != one.measured.end())
            versions[one.what.transport] = found->get<std::string>();
    for (const auto& [program, version] : versions)
        std::printf("%s: %s\n", program.c_str(), version.c_str());
}

}  // namespace bench
