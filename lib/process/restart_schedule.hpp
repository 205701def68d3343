// SPDX-License-Identifier: MIT
/// The back-off of restarts. Logic only: time is a value.
#pragma once

#include <remora/restart.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

namespace remora::detail {

class restart_schedule {
public:
    using time_point = std::chrono::steady_clock::time_point;

    /// Throws `bad_option` for values that make no sense.
    explicit restart_schedule(const restart_options& options);

    /// A failure at `now`: how long to wait before the restart, which counts from now on. None if
    /// the limit is reached.
    std::optional<std::chrono::nanoseconds> next(time_point now);
    /// Restarts in the window that next() has looked at last.
    std::size_t in_window() const noexcept { return restarts_.size(); }

private:
    std::chrono::nanoseconds delay() const;

    restart_options options_;
    std::deque<time_point> restarts_;
};

}  // namespace remora::detail
