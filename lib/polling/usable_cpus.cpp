// SPDX-License-Identifier: MIT
#include "polling/usable_cpus.hpp"
#include "base/control_groups.hpp"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <thread>
#include <vector>

namespace remora::detail {
namespace {

constexpr std::size_t most_sets = 1024;  // of CPU_SETSIZE CPUs each

}  // namespace

// The kernel refuses a set that is too small for the CPUs that it knows.
unsigned cpus_by_affinity(affinity_call* get) {
    for (std::size_t count = 1; count <= most_sets; count *= 2) {
        std::vector<cpu_set_t> sets(count);
        const std::size_t size = count * sizeof(cpu_set_t);
        if (get(0, size, sets.data()) == 0)
            return static_cast<unsigned>(CPU_COUNT_S(size, sets.data()));
        if (errno != EINVAL) break;
    }
    return std::max(1u, std::thread::hardware_concurrency());
}

unsigned usable_cpus() {
    static const double quota = control_groups::own().cpus();
    const double most = cpus_by_affinity(::sched_getaffinity);
    return static_cast<unsigned>(std::clamp(std::floor(quota), 1.0, std::max(most, 1.0)));
}

}  // namespace remora::detail
