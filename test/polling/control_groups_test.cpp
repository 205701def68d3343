// SPDX-License-Identifier: MIT
// What control groups allow, read from a directory that looks like theirs.
#include "support/pairs.hpp"

#include "base/control_groups.hpp"
#include "polling/busy_poller.hpp"
#include "polling/usable_cpus.hpp"

#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>

namespace {

using namespace test;
using remora::detail::control_groups;

// A directory with these files, for as long as this lives.
class mounted {
public:
    explicit mounted(const std::map<std::string, std::string>& files) {
        REQUIRE(::mkdtemp(root_.data()) != nullptr);
        for (const auto& [name, content] : files) {
            const std::filesystem::path path = root_ + "/" + name;
            std::filesystem::create_directories(path.parent_path());
            std::ofstream(path) << content;
        }
    }
    ~mounted() { std::filesystem::remove_all(root_); }

    control_groups groups(const std::string& lines) const { return control_groups(lines, root_); }

private:
    std::string root_ = (std::filesystem::temp_directory_path() / "groups-XXXXXX").string();
};

constexpr auto all = std::numeric_limits<std::uint64_t>::max();

TEST_CASE("the smallest quota of CPU time counts, of the group and of those above it") {
    const mounted two({{"a/b/cpu.max", "max 100000\n"}, {"a/cpu.max", "150000 100000\n"}});
    CHECK(two.groups("0::/a/b\n").cpus() == 1.5);
    CHECK(std::isinf(two.groups("0::/c\n").cpus()));
    const mounted one({{"cpu/a/cpu.cfs_quota_us", "-1\n"},
                       {"cpu/a/cpu.cfs_period_us", "100000\n"},
                       {"cpu/cpu.cfs_quota_us", "300000\n"},
                       {"cpu/cpu.cfs_period_us", "100000\n"}});
    CHECK(one.groups("3:cpuacct,cpu:/a\n0::/\n").cpus() == 3);
}

TEST_CASE("free memory is what the groups leave, and cached files count as free") {
    const mounted two(
        {{"a/b/memory.max", "1000\n"},
         {"a/b/memory.current", "900\n"},
         {"a/b/memory.stat", "anon 5\ninactive_file 200\nactive_file 100\nx_active_file 7\n"},
         {"a/memory.max", "max\n"},
         {"a/memory.current", "5000\n"}});
    CHECK(two.groups("0::/a/b\n").free_memory() == 400);
    CHECK(two.groups("0::/a\n").free_memory() == all);
    const mounted one({{"memory/a/memory.limit_in_bytes", "9223372036854771712\n"},
                       {"memory/a/memory.usage_in_bytes", "100\n"},
                       {"memory/memory.limit_in_bytes", "500\n"},
                       {"memory/memory.usage_in_bytes", "600\n"},
                       {"memory/memory.stat", "total_inactive_file 120\ntotal_active_file 30\n"}});
    CHECK(one.groups("4:memory:/a\n0::/\n").free_memory() == 50);
    CHECK(one.groups("4:cpu:/a\nnonsense\n").free_memory() == all);
}

TEST_CASE("rings for which the control group has no memory left are refused, not allocated") {
    const auto memory = remora::detail::shm_arena::make();
    const auto refused = failure_of([&] { memory->allocate(1 << 20, 0, 2 << 20); });
    CHECK(refused.code == std::errc::not_enough_memory);
    CHECK(refused.has("control group"));
    CHECK(!failure_of([&] { memory->allocate(1 << 20, 0, 4 << 20); }).code);
}

int refuse_small_sets(pid_t, std::size_t size, cpu_set_t* set) {
    errno = EINVAL;
    if (size < 4096 / 8) return -1;
    std::memset(set, 0xff, 4096 / 8);
    return 0;
}

int refuse_all(pid_t, std::size_t, cpu_set_t*) {
    errno = EPERM;
    return -1;
}

TEST_CASE("more CPUs are counted than an ordinary set holds, and at least one if nothing tells") {
    CHECK(remora::detail::cpus_by_affinity(refuse_small_sets) == 4096);
    CHECK(remora::detail::cpus_by_affinity(refuse_all) >= 1);
}

}  // namespace
