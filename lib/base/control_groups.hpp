// SPDX-License-Identifier: MIT
/// What the control groups of this process let it use: see cgroups(7), versions 1 and 2.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace remora::detail {

/// The groups of a process, and those above them: each may have limits of its own.
class control_groups {
public:
    /// Those of this process, as they were at the first call.
    static const control_groups& own();

    /// `lines` as in /proc/self/cgroup; `root` is where the groups are mounted.
    explicit control_groups(std::string lines, const std::string& root = "/sys/fs/cgroup");

    /// How many CPUs can be kept busy; infinite if there is no quota.
    double cpus() const;
    /// How many bytes the process can still allocate before the kernel kills it; the largest number
    /// if there is no limit. Files that are only cached count as free.
    std::uint64_t free_memory() const;

private:
    struct group {
        std::string directory;
        bool unified;  ///< version 2
    };
    static void add(std::vector<group>& list, const std::string& mounted, std::string path,
                    bool unified);

    std::vector<group> cpu_, memory_;
};

}  // namespace remora::detail
