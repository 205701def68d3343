// SPDX-License-Identifier: MIT
/// The transport of a pipe, and how its ends wait.
#pragma once

#include <remora/detail/base/standard.hpp>

#include <string>

namespace remora {

/// What carries the bytes of a pipe.
enum class transport_kind {
    automatic,      ///< Shared memory where both sides can, otherwise FIFOs.
    fifo,           ///< A pair of FIFOs: two system calls a message, no memory of its own.
    shared_memory,  ///< Two rings in shared memory; a pair of FIFOs wakes sleepers.
    in_process,     ///< Memory of one process: that of make_pipe_pair(). As an option, it fails.
};

/// How an operation waits that finds nothing to do.
enum class wait_policy {
    /// Looks again for some 50 µs if recent waits were that short, and then sleeps. Never looks
    /// again where the process may use one CPU only. The default.
    adaptive,
    /// Sleeps at once.
    block,
    /// Looks again without a limit of time: the shortest delays, and one CPU is busy while anything
    /// waits. Of several executors of one context only the one that began to wait last does so; of
    /// the pipes over FIFOs of one executor, only the last one. The others sleep.
    spin,
};

/// "automatic", "fifo", "shared_memory", "in_process".
std::string to_string(transport_kind kind);
/// "adaptive", "block", "spin".
std::string to_string(wait_policy policy);

}  // namespace remora
