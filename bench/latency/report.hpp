// SPDX-License-Identifier: MIT
/// What a run prints.
#pragma once

#include "results.hpp"
#include "targets.hpp"

#include <string>
#include <vector>

namespace bench {

void print_table(const std::vector<summary>& rows);
void print_targets(const std::vector<target>& targets);

/// The versions of others, as far as their programs tell them.
void print_versions(const std::vector<summary>& rows);

}  // namespace bench
