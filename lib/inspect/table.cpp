// SPDX-License-Identifier: MIT
#include "inspect/table.hpp"

#include <remora/error.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <initializer_list>

namespace remora::inspect {
namespace {

constexpr std::size_t name_width = 18;

// Text of another process, without the quotes.
std::string plain(const std::string& text, std::size_t limit = 128) {
    const std::string quoted = quote(text, limit);
    return quoted.substr(1, quoted.size() - 2);
}

std::string padded(std::string text, std::size_t width) {
    text.resize(width, ' ');
    return text;
}

// "12:31", "1:02:03", "3d 1:02:03"
std::string time_of(std::chrono::nanoseconds age) {
    const long long all = std::chrono::floor<std::chrono::seconds>(age).count();
    const long long days = all / 86400, hours = all / 3600 % 24;
    std::array<char, 64> text{};
    if (days > 0)
        std::snprintf(text.data(), text.size(), "%lldd %lld:%02lld:%02lld", days, hours,
                      all / 60 % 60, all % 60);
    else if (hours > 0)
        std::snprintf(text.data(), text.size(), "%lld:%02lld:%02lld", hours, all / 60 % 60,
                      all % 60);
    else
        std::snprintf(text.data(), text.size(), "%lld:%02lld", all / 60, all % 60);
    return text.data();
}

std::string cells(std::initializer_list<std::string> words) {
    std::string line;
    for (const std::string& word : words)
        line += std::string(word.size() < 6 ? 6 - word.size() : 1, ' ') + word;
    return line;
}

std::string row(const std::string& name, const char* direction, const pipe_traffic& counts,
                std::uint64_t calls, const flow& rates) {
    const auto number = [](std::uint64_t n) { return short_number(static_cast<double>(n)); };
    return "    " + padded(name, name_width) + padded(direction, 3) +
           cells({number(counts.messages), short_number(rates.messages), number(calls),
                  short_number(rates.calls), number(counts.items), short_number(rates.items),
                  number(counts.bytes), short_number(rates.bytes), number(counts.polled),
                  number(counts.slept)});
}

std::string heading() {
    return "    " + padded("pipe", name_width) + "   " +
           cells({"msgs", "/s", "calls", "/s", "items", "/s", "bytes", "/s", "found", "slept",
                  "queue", "most"});
}

// What is seldom there.
std::string remark_on(const pipe_counts& counts) {
    std::string line;
    const auto add = [&line](std::uint64_t count, const char* what, const char* more) {
        if (count == 0) return;
        line += (line.empty() ? "" : ", ") + std::to_string(count) + " " + what +
                (count == 1 ? "" : "s") + more;
    };
    add(counts.running_handlers, "handler", " at work");
    add(counts.calls, "call", " not answered yet");
    add(counts.served_failed, "call", " of the app failed");
    add(counts.calls_failed, "call", " of the server failed");
    add(counts.dropped, "message", " dropped");
    return line;
}

// "maths #1", "a_very_lo... #2"
std::string name_of(const wire::connection_report& c) {
    const std::string number = " #" + std::to_string(c.id);
    const std::size_t room = name_width - 1 - std::min<std::size_t>(number.size(), 8);
    std::string name = plain(c.name);
    if (name.size() > room) name = name.substr(0, room - 3) + "...";
    return name + number;
}

void add_connection(std::vector<std::string>& lines, const wire::connection_report& c,
                    const pipe_rates& rates) {
    const std::string name = name_of(c);
    if (!c.counts) {
        lines.push_back("    " + padded(name, name_width) + "busy: nothing is known of it now");
        return;
    }
    const auto size = [](std::size_t n) { return short_number(static_cast<double>(n)); };
    lines.push_back(row(name, "in", c.counts->received, c.counts->calls_served, rates.in));
    lines.push_back(
        row("  " + plain(c.transport), "out", c.counts->sent, c.counts->calls_made, rates.out) +
        cells({size(c.counts->queued), size(c.counts->peak_queued)}));
    const std::string remark = remark_on(*c.counts);
    if (!remark.empty()) lines.push_back("      " + remark);
}

std::string line_of(const wire::run_report& run) {
    const std::size_t open = run.connections.size();
    const std::string pid = run.app.pid == 0 ? "?" : std::to_string(run.app.pid);
    std::string line = "  app " + pid + "  " + plain(run.app.target) + ", " + plain(run.app.state) +
                       ", life " + std::to_string(run.app.life) + " for " + time_of(run.app.age) +
                       ", " + std::to_string(open) + (open == 1 ? " pipe" : " pipes");
    if (run.opening != 0) line += ", " + std::to_string(run.opening) + " to be opened";
    return line;
}

void add_server(std::vector<std::string>& lines, const answer& server) {
    const std::string who = "server " + (server.pid == 0 ? "?" : std::to_string(server.pid)) + "  ";
    if (!server.report) {
        lines.push_back(who + plain(server.directory.string()) + ": " + plain(server.problem, 512));
        return;
    }
    const wire::run_report& run = *server.report;
    lines.push_back(who + plain(run.program) + ", up " + time_of(run.age));
    lines.push_back(line_of(run));
    if (!run.connections.empty()) lines.push_back(heading());
    for (std::size_t i = 0; i != run.connections.size(); ++i)
        add_connection(lines, run.connections[i], server.rates.at(i));
}

}  // namespace

std::string short_number(double value) {
    constexpr std::array<const char*, 6> units{"", "k", "M", "G", "T", "P"};
    std::size_t unit = 0;
    for (; value >= 999.5 && unit + 1 != units.size(); ++unit)
        value /= 1000;
    const bool whole = value == static_cast<double>(static_cast<long long>(value));
    const int digits = (unit == 0 && (whole || value >= 9.95)) || value >= 99.95 ? 0
                       : unit == 0 || value >= 9.995                             ? 1
                                                                                 : 2;
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.*f%s", digits, value, units[unit]);
    return text.data();
}

std::vector<std::string> table_of(const std::vector<answer>& answers) {
    std::vector<std::string> lines;
    for (const answer& each : answers) {
        if (!lines.empty()) lines.emplace_back();
        add_server(lines, each);
    }
    return lines;
}

}  // namespace remora::inspect
