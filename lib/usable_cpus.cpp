// SPDX-License-Identifier: MIT
#include "lookout.hpp"
#include "unique_fd.hpp"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>
#include <string>

namespace remora::detail {
namespace {

constexpr double no_limit = std::numeric_limits<double>::infinity();

double by_affinity() {
    cpu_set_t set;
    if (::sched_getaffinity(0, sizeof set, &set) != 0) return no_limit;
    return CPU_COUNT(&set);
}

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
    if (found != 2 || quota <= 0 || period <= 0) return no_limit;
    return static_cast<double>(quota) / static_cast<double>(period);
}

// cgroups(7): cpu.max has "QUOTA PERIOD", or "max PERIOD".
double quota_v2(const std::string& group) {
    return ratio(text_of("/sys/fs/cgroup" + group + "/cpu.max"));
}

// Or a file for each; the quota is -1 where there is none.
double quota_v1(const std::string& group) {
    const std::string base = "/sys/fs/cgroup/cpu" + group + "/cpu.cfs_";
    const std::string quota = text_of(base + "quota_us");
    return quota.starts_with('-') ? no_limit : ratio(quota + text_of(base + "period_us"));
}

// Each group above may have a quota of its own.
template <class Quota>
double least(std::string group, Quota quota) {
    double result = quota("");
    for (; group.size() > 1; group.resize(group.rfind('/')))
        result = std::min(result, quota(group));
    return result;
}

// Lines "NUMBER:CONTROLLERS:GROUP"; version 2 has one, without controllers.
double by_quota() {
    double result = no_limit;
    std::string groups = text_of("/proc/self/cgroup");
    for (std::size_t end = 0; (end = groups.find('\n')) != std::string::npos;
         groups.erase(0, end + 1)) {
        const std::string line = groups.substr(0, end);
        const auto first = line.find(':');
        const auto second = line.find(':', first + 1);
        if (second == std::string::npos) continue;
        const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
        const std::string group = line.substr(second + 1);
        if (controllers == ",,") result = std::min(result, least(group, quota_v2));
        if (controllers.find(",cpu,") != std::string::npos)
            result = std::min(result, least(group, quota_v1));
    }
    return result;
}

}  // namespace

unsigned usable_cpus() {
    static const double quota = by_quota();
    return static_cast<unsigned>(std::max(1.0, std::floor(std::min(by_affinity(), quota))));
}

}  // namespace remora::detail
