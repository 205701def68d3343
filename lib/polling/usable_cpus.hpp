// SPDX-License-Identifier: MIT
/// How many CPUs this process may use.
#pragma once

#include <sched.h>
#include <sys/types.h>

#include <cstddef>

namespace remora::detail {

/// By its affinity and by the quota of its control groups. At least 1. The quota is read once.
unsigned usable_cpus();

/// By affinity, from a function like sched_getaffinity(2); all of the machine's, if that does not
/// tell.
using affinity_call = int(pid_t, std::size_t, cpu_set_t*);
unsigned cpus_by_affinity(affinity_call* get);

}  // namespace remora::detail
