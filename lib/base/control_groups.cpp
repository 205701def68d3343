// SPDX-License-Identifier: MIT
#include "base/control_groups.hpp"

#include "base/unique_fd.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <limits>
#include <optional>

namespace remora::detail {
namespace {

constexpr double no_quota = std::numeric_limits<double>::infinity();
constexpr std::uint64_t no_limit = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t largest_limit = std::uint64_t{1} << 60;  // version 1 has no word for none

// Empty if it cannot be read. The first file stream of a process costs more than all of these
// files.
std::string text_of(const std::string& path) {
    std::string text;
    const unique_fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    std::array<char, 4096> piece;
    for (ssize_t count = 1; file && count > 0;) {
        count = ::read(file.get(), piece.data(), piece.size());
        if (count > 0) text.append(piece.data(), static_cast<std::size_t>(count));
    }
    return text;
}

double ratio(const std::string& quota_and_period) {
    long quota = 0, period = 0;
    const int found = std::sscanf(quota_and_period.c_str(), "%ld %ld", &quota, &period);
    if (found != 2 || quota <= 0 || period <= 0) return no_quota;
    return static_cast<double>(quota) / static_cast<double>(period);
}

// "QUOTA PERIOD" or "max PERIOD" in one file; or a file for each, where the quota may be -1.
double quota_of(const std::string& directory, bool unified) {
    if (unified) return ratio(text_of(directory + "/cpu.max"));
    const std::string quota = text_of(directory + "/cpu.cfs_quota_us");
    return quota.starts_with('-') ? no_quota
                                  : ratio(quota + text_of(directory + "/cpu.cfs_period_us"));
}

// None for a word, such as "max", and for nothing.
std::optional<std::uint64_t> number_in(const std::string& text, std::size_t at = 0) {
    std::uint64_t value = 0;
    const auto [end, failure] = std::from_chars(text.data() + at, text.data() + text.size(), value);
    if (failure != std::errc()) return std::nullopt;
    return value;
}

// Of "NAME NUMBER" lines.
std::uint64_t number_of(const std::string& name, const std::string& lines) {
    const std::string key = "\n" + name + " ";
    const auto found = ("\n" + lines).find(key);
    if (found == std::string::npos) return 0;
    return number_in(lines, found + key.size() - 1).value_or(0);
}

std::uint64_t free_memory_of(const std::string& directory, bool unified) {
    const auto text = [&](const char* name) { return text_of(directory + "/memory." + name); };
    const auto limit = number_in(text(unified ? "max" : "limit_in_bytes"));
    if (!limit || *limit > largest_limit) return no_limit;
    const auto used = number_in(text(unified ? "current" : "usage_in_bytes"));
    if (!used) return no_limit;
    const std::string stat = text("stat");
    const std::string all = unified ? "" : "total_";  // with the groups below
    const auto cached =
        number_of(all + "inactive_file", stat) + number_of(all + "active_file", stat);
    const std::uint64_t needed = *used - std::min(*used, cached);
    return *limit - std::min(*limit, needed);
}

}  // namespace

const control_groups& control_groups::own() {
    static const control_groups groups(text_of("/proc/self/cgroup"));
    return groups;
}

// Lines "NUMBER:CONTROLLERS:GROUP"; version 2 has one, without controllers.
control_groups::control_groups(std::string lines, const std::string& root) {
    for (std::size_t end = 0; (end = lines.find('\n')) != std::string::npos;
         lines.erase(0, end + 1)) {
        const std::string line = lines.substr(0, end);
        const auto first = line.find(':');
        const auto second = line.find(':', first + 1);
        if (second == std::string::npos) continue;
        const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
        const std::string path = line.substr(second + 1);
        const auto has = [&](const char* name) { return controllers.find(name) != line.npos; };
        if (controllers == ",,") {
            add(cpu_, root, path, true);
            add(memory_, root, path, true);
        }
        if (has(",cpu,")) add(cpu_, root + "/cpu", path, false);
        if (has(",memory,")) add(memory_, root + "/memory", path, false);
    }
}

void control_groups::add(std::vector<group>& list, const std::string& mounted, std::string path,
                         bool unified) {
    for (; path.size() > 1; path.resize(path.rfind('/')))
        list.push_back({mounted + path, unified});
    list.push_back({mounted, unified});
}

double control_groups::cpus() const {
    double least = no_quota;
    for (const auto& [directory, unified] : cpu_)
        least = std::min(least, quota_of(directory, unified));
    return least;
}

std::uint64_t control_groups::free_memory() const {
    std::uint64_t least = no_limit;
    for (const auto& [directory, unified] : memory_)
        least = std::min(least, free_memory_of(directory, unified));
    return least;
}

}  // namespace remora::detail
