// SPDX-License-Identifier: MIT
/// What a pipe stands on, and how its ends wait.
#pragma once

#include <remora/detail/base/standard.hpp>

#include <string>

namespace remora {

/// What carries the bytes of a pipe between two processes.
enum class transport_kind {
    automatic,      ///< Shared memory where both sides can, otherwise FIFOs.
    fifo,           ///< A pair of FIFOs: two system calls a message, no memory of its own.
    shared_memory,  ///< Two rings in shared memory; a pair of FIFOs wakes sleepers.
};

/// How an operation waits that finds nothing to do.
enum class wait_policy {
    /// Looks again for some 50 µs if recent waits were that short, and then sleeps. Never looks
    /// again where the process may use one CPU only. The default.
    adaptive,
    /// Sleeps at once.
    block,
    /// As adaptive, but without a limit of time: the shortest delays, at the price of one CPU for
    /// as long as anything waits. Of pipes on several executors of a context only the one that has
    /// begun to wait last does so, of pipes over FIFOs the same.
    spin,
};

/// "automatic", "fifo", "shared_memory".
std::string to_string(transport_kind kind);
/// "adaptive", "block", "spin".
std::string to_string(wait_policy policy);

}  // namespace remora
