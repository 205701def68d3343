// SPDX-License-Identifier: MIT
// What waits learn from those before.
#include "support/support.hpp"

#include "polling/spin_policy.hpp"
#include "polling/yield_policy.hpp"

#include <vector>

namespace {

using remora::wait_policy;
using remora::detail::spin_policy;

// How many waits pass, the watched one included, until one is watched.
int waits_until_it_polls(spin_policy& policy) {
    int count = 1;
    while (!policy.should_poll())
        ++count;
    return count;
}

void miss(spin_policy& policy, int times) {
    for (int i = 0; i < times; ++i)
        policy.miss();
}

TEST_CASE("block never watches, spin always does") {
    spin_policy block(wait_policy::block), spin(wait_policy::spin);
    for (int i = 0; i < 200; ++i) {
        CHECK(!block.should_poll());
        CHECK(spin.should_poll());
        spin.miss();
    }
}

TEST_CASE("who finds nothing looks more rarely each time, and after every 64th wait in the end") {
    spin_policy policy(wait_policy::adaptive);
    std::vector<int> pauses;
    for (int i = 0; i < 8; ++i) {
        pauses.push_back(waits_until_it_polls(policy));
        policy.miss();
    }
    CHECK(pauses == std::vector{1, 4, 8, 16, 32, 64, 64, 64});
}

TEST_CASE("a hit makes up for all misses") {
    spin_policy policy(wait_policy::adaptive);
    miss(policy, 20);
    CHECK(waits_until_it_polls(policy) == 64);
    policy.hit();
    CHECK(policy.should_poll());
    policy.miss();
    CHECK(waits_until_it_polls(policy) == 4);
}

TEST_CASE("who has lost the CPU while looking makes the longest pause, whatever was found before") {
    spin_policy policy(wait_policy::adaptive);
    for (int i = 0; i < 100; ++i)
        policy.hit();
    policy.lost_cpu();
    CHECK(waits_until_it_polls(policy) == 64);
    policy.lost_cpu();
    CHECK(waits_until_it_polls(policy) == 64);
    policy.hit();
    CHECK(policy.should_poll());
}

TEST_CASE("a yield that cost a time slice forbids yields for 64 times as long") {
    using namespace std::chrono_literals;
    remora::detail::yield_policy policy;
    const auto start = std::chrono::steady_clock::now();
    CHECK(policy.allows(start));
    policy.yielded(start, start + 100us);
    CHECK(policy.allows(start + 100us));
    policy.yielded(start, start + 10ms);
    CHECK(!policy.allows(start + 10ms + 639ms));
    CHECK(policy.allows(start + 10ms + 640ms));
}

TEST_CASE("now and then a miss among hits does not stop the watching") {
    spin_policy policy(wait_policy::adaptive);
    for (int burst = 0; burst < 50; ++burst) {
        for (int i = 0; i < 9; ++i) {
            REQUIRE(policy.should_poll());
            policy.hit();
        }
        REQUIRE(policy.should_poll());
        policy.miss();
    }
}

TEST_CASE("a waiter that is not alone looks first ever more rarely while that finds nothing") {
    spin_policy policy(wait_policy::adaptive);
    int longest = 0;
    for (int moment = 0; moment < 10; ++moment) {
        policy.found_nothing_briefly();
        int waits = 0;
        for (; !policy.should_poll_first(false); ++waits)
            policy.found_while_polling();
        CHECK(waits >= longest);
        longest = waits;
    }
    CHECK(longest == 256);
    policy.found_briefly();
    policy.found_nothing_briefly();
    policy.found_while_polling();
    for (int i = 1; i < 8; ++i) {
        CHECK(!policy.should_poll_first(false));
        policy.found_while_polling();
    }
    CHECK(policy.should_poll_first(false));
}

TEST_CASE("a waiter that is not alone looks first only while that finds something") {
    spin_policy policy(wait_policy::adaptive);
    CHECK(policy.should_poll_first(false));
    policy.found_nothing_briefly();
    CHECK(!policy.should_poll_first(false));
    CHECK(policy.should_poll_first(true));
    for (int i = 0; i < 8; ++i) {
        CHECK(!policy.should_poll_first(false));
        policy.found_while_polling();
    }
    CHECK(policy.should_poll_first(false));
    policy.found_nothing_briefly();
    policy.found_briefly();
    CHECK(policy.should_poll_first(false));
}

}  // namespace
