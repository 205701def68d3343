// SPDX-License-Identifier: MIT
/// Which rows are measured side by side.
#pragma once

#include "plan.hpp"

#include <optional>
#include <string>
#include <vector>

namespace bench {

/// A row and the floor that is measured beside it.
struct job {
    row what;
    std::optional<row> floor;
};

/// Lists of names; an empty one lets everything through.
struct filter {
    std::vector<std::string> patterns, transports, waits;

    bool accepts(const row& candidate) const;
};

bool is_floor(const row& what);

/// The best that is possible without Remora; of many pipes, one.
std::optional<row> floor_of(const row& what);

/// The rows that the filter accepts; and alone, floors that it accepts without any of their rows.
std::vector<job> jobs_of(const std::vector<row>& plan, const filter& wanted);

}  // namespace bench
