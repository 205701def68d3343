// SPDX-License-Identifier: MIT
/// Decides whether a thread calls sched_yield(2), from how long earlier calls took.
#pragma once

#include <chrono>

namespace remora::detail {

/// A thread that is kept from running for longer has lost its CPU to another one.
inline constexpr std::chrono::microseconds longest_gap{100};

/// The decision of one thread. Among threads that compute, a yield costs a time slice or more:
/// after one that was so long there is none for 64 times as long. No clock here.
class yield_policy {
public:
    using time_point = std::chrono::steady_clock::time_point;

    bool allows(time_point now) const noexcept { return now >= not_before_; }
    void yielded(time_point before, time_point after) noexcept {
        if (after - before > longest_gap) not_before_ = after + rest * (after - before);
    }

private:
    static constexpr int rest = 64;

    time_point not_before_{};
};

}  // namespace remora::detail
