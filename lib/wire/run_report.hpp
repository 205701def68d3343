// SPDX-License-Identifier: MIT
/// What a server tells those who look into its run: one value, over a socket. protocol.md has it in
/// words.
#pragma once

#include <remora/archive.hpp>
#include <remora/limits.hpp>
#include <remora/pipe_counts.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace remora::wire {

/// The socket, in the run's directory.
inline constexpr const char* inspect_name = "inspect";

// New members go after the others: programs of several versions read these.

/// The app, in its present life.
struct app_report {
    std::string target;  ///< its executable, as the options say
    std::int32_t pid = 0;
    std::uint32_t life = 0;
    std::string state;  ///< "awaited", "starting", "running", "stopping" or "ended"
    std::chrono::nanoseconds age{};
};

/// An open connection, from the server's end.
struct connection_report {
    std::uint64_t id = 0;
    std::string name;
    std::string transport;
    std::chrono::nanoseconds age{};
    std::optional<pipe_counts> counts;  ///< none: its executor is busy
};

/// A run.
struct run_report {
    std::int32_t pid = 0;
    std::string program;  ///< the server's executable
    std::chrono::nanoseconds age{};
    app_report app;
    std::uint64_t opening = 0;  ///< connections that are asked for and not open yet
    std::vector<connection_report> connections;
};

}  // namespace remora::wire
