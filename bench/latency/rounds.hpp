// SPDX-License-Identifier: MIT
/// The measuring itself: rounds, and in each of them every row beside its floor.
#pragma once

#include "child.hpp"
#include "jobs.hpp"
#include "programs.hpp"
#include "progress.hpp"
#include "results.hpp"

#include <set>
#include <vector>

namespace bench {

struct round_settings {
    int rounds;
    double seconds;  ///< of a slice
};

class rounds {
public:
    rounds(const programs& where, const round_settings& settings, const end_requests& requests)
        : where_(where), settings_(settings), requests_(requests) {}

    /// Measures all of them. A row that fails is reported, and left out from then on.
    results run(const std::vector<job>& jobs);

    bool failed() const { return failed_; }

private:
    void measure_pair(const job& next, int round, progress& bar);
    std::optional<figures> measure(const row& what, int round, progress& bar);

    const programs& where_;
    round_settings settings_;
    const end_requests& requests_;
    results measured_;
    std::set<row> given_up_;
    bool failed_ = false;
};

}  // namespace bench
