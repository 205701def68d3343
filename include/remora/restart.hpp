// SPDX-License-Identifier: MIT
/// When a server starts an app again that has failed.
#pragma once

#include <remora/detail/base/standard.hpp>

#include <chrono>
#include <cstddef>

namespace remora {

/// How an app that has failed is started again: after a delay, which grows with each restart within
/// the window. The default starts it after 0.1, 0.2, 0.4, 0.8 and 1.6 s, and gives up at the sixth
/// failure within a minute.
struct restart_options {
    std::chrono::nanoseconds first_delay = std::chrono::milliseconds(100);  ///< of the first
    /// What the delay is multiplied by for each further restart: 1 or more.
    double factor = 2;
    std::chrono::nanoseconds max_delay = std::chrono::seconds(10);  ///< no delay is longer
    /// How often it is started again within the window; then the run is over.
    std::size_t limit = 5;
    std::chrono::nanoseconds window = std::chrono::minutes(1);  ///< that the limit is for
};

}  // namespace remora
