// SPDX-License-Identifier: MIT
/// What the workers of the tests serve.
#pragma once

#include "support/calls.hpp"

namespace test {

/// Answered with the process id of who serves it, when it has said so; `then`: not before it is
/// cancelled.
struct who_serves {
    using reply = number;
    bool then = false;
};

/// The same, and it says that it may be asked twice.
struct who_serves_again {
    using reply = number;
    static constexpr bool idempotent = true;
    bool then = false;
};

/// A worker's service, here and in other processes.
remora::service worker_service();

}  // namespace test
