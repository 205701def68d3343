// SPDX-License-Identifier: MIT
/// Time limits that have arrived before their requests. No input or output.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <utility>

namespace remora::detail {

/// How long the callers of requests that have not come yet wait. Two slots: for the next request,
/// and for one that comes in pieces meanwhile.
class times_left {
public:
    using time = std::chrono::steady_clock::time_point;

    void note(std::uint64_t id, time until) noexcept {
        auto& free = slots_[0].id == 0 ? slots_[0] : slots_[1];
        free = {id, until};
    }
    /// For the request of this call: time::max() if nothing was said.
    time extract(std::uint64_t id) noexcept {
        for (auto& each : slots_)
            if (each.id == id) return std::exchange(each, {}).until;
        return time::max();
    }

private:
    struct slot {
        std::uint64_t id = 0;
        time until = time::max();
    };
    std::array<slot, 2> slots_{};
};

}  // namespace remora::detail
