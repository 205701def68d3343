// SPDX-License-Identifier: MIT
/// The options of operations that await a message, or an item of a stream.
#pragma once

#include <remora/detail/base/standard.hpp>

#include <chrono>

namespace remora {

/// What an operation may be told that awaits a message or an item.
struct receive_options {
    /// How long to wait for a message. It limits the wait only: a message that is there is taken.
    std::chrono::nanoseconds timeout = std::chrono::nanoseconds::max();
};

}  // namespace remora
