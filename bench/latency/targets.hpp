// SPDX-License-Identifier: MIT
/// The figures that Remora is meant to reach.
#pragma once

#include "results.hpp"

#include <string>
#include <vector>

namespace bench {

struct target {
    std::string name;  ///< the row, or the rows
    std::string what;  ///< what is compared
    std::string wanted;
    std::string measured;
    bool reached;
};

/// As many as the rows tell.
std::vector<target> targets_of(const results& measured);

}  // namespace bench
