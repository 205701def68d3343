// SPDX-License-Identifier: MIT
/// The files that a run leaves, if they are asked for.
#pragma once

#include "child.hpp"
#include "options.hpp"
#include "results.hpp"

#include <vector>

namespace bench {

/// Before the run, which is long: throws if it could not be written or drawn afterwards.
void check_files(const options& chosen, const end_requests& requests);

void write_files(const options& chosen, const std::vector<summary>& rows,
                 const end_requests& requests);

}  // namespace bench
