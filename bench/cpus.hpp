// SPDX-License-Identifier: MIT
/// Which CPU each process of a pair runs on.
#pragma once

#include <sched.h>
#include <sys/types.h>

namespace bench {

/// The usable CPU after `skip` others, or the last one.
inline cpu_set_t one_cpu(int skip) {
    cpu_set_t usable, one;
    CPU_ZERO(&usable);
    CPU_ZERO(&one);
    ::sched_getaffinity(0, sizeof usable, &usable);
    for (int cpu = 0; cpu < CPU_SETSIZE && skip >= 0; ++cpu) {
        if (!CPU_ISSET(cpu, &usable)) continue;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        --skip;
    }
    return one;
}

/// Binds this process, and those that it starts, to one CPU, if that is asked for.
inline void bind_to_cpus(int cpus) {
    if (cpus != 1) return;
    const cpu_set_t one = one_cpu(0);
    ::sched_setaffinity(0, sizeof one, &one);
}

/// Binds this thread, and the only one of another process, to a CPU each, or both to one. The
/// kernel likes to put a process that it wakes beside the one that woke it: left to itself, a pair
/// is on one CPU now and on two a moment later, and two that spin may share one for long.
inline void bind_pair(pid_t other, int cpus) {
    const cpu_set_t here = one_cpu(0), there = one_cpu(cpus == 1 ? 0 : 1);
    ::sched_setaffinity(other, sizeof there, &there);
    ::sched_setaffinity(0, sizeof here, &here);
}

}  // namespace bench
