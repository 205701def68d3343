// SPDX-License-Identifier: MIT
#include "lookout.hpp"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
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

// cgroups(7): cpu.max has "QUOTA PERIOD", or "max PERIOD".
double quota_v2(const std::string& group) {
    std::ifstream file("/sys/fs/cgroup" + group + "/cpu.max");
    double quota = 0, period = 0;
    return file >> quota >> period && period > 0 ? quota / period : no_limit;
}

double quota_v1(const std::string& group) {
    const std::string base = "/sys/fs/cgroup/cpu" + group + "/cpu.cfs_";
    double quota = 0, period = 0;
    std::ifstream(base + "quota_us") >> quota;
    std::ifstream(base + "period_us") >> period;
    return quota > 0 && period > 0 ? quota / period : no_limit;
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
    std::ifstream groups("/proc/self/cgroup");
    for (std::string line; std::getline(groups, line);) {
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
