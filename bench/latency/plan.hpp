// SPDX-License-Identifier: MIT
/// The rows of the benchmark: what it measures, of Remora and of others.
#pragma once

#include <compare>
#include <cstddef>
#include <string>
#include <vector>

namespace bench {

/// A row of the table, and the settings of the program that measures it.
struct row {
    std::string pattern;
    std::string transport;  ///< a transport of Remora, or a floor, a channel, a peer
    std::string wait = "";  ///< empty: it has only one way
    std::size_t bytes = 0;  ///< of a message; 0: not a setting of the pattern
    std::size_t batch = 1;
    std::size_t pipes = 1;
    int cpus = 2;
    int hogs = 0;  ///< processes that compute beside it

    auto operator<=>(const row&) const = default;
};

/// In the order of the table.
const std::vector<std::string>& all_patterns();

std::vector<row> whole_plan();

/// For CI: every program and every pattern, but few settings.
std::vector<row> quick_plan();

bool is_remora(const row& what);

/// Whether messages follow each other without an answer, so that the time a message tells more than
/// the time of one; pipes share it, as their round trips overlap. So do rows beside processes that
/// compute: few round trips, but long ones, wait for these.
bool counts_messages(const row& what);

/// For people: the settings that are not the usual ones, too.
std::string title(const row& what);

}  // namespace bench
