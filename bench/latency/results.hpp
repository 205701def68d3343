// SPDX-License-Identifier: MIT
/// What the slices of each row add up to.
#pragma once

#include "plan.hpp"

#include <nlohmann/json.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace bench {

/// The line that a program has printed: figures by name. Throws child_failed if some are missing.
using figures = nlohmann::json;
figures parsed(const row& what, const std::string& line);

/// Nanoseconds: what is compared between rows. The time of a round trip, or the time a message.
double cost(const row& what, const figures& measured);

double median(std::vector<double> values);

/// A row of the table: medians over the slices, the least of the least, the greatest of the
/// greatest.
struct summary {
    row what;
    figures measured;
    std::optional<row> floor;
    std::optional<double> ratio;  ///< of the costs, to the floor's: the median of the pairs
};

class results {
public:
    void add(const row& what, int round, figures measured);
    void add_pair(const row& what, const row& floor, double ratio);

    bool has(const row& what) const { return slices_.contains(what); }
    summary of(const row& what) const;

    /// By pattern, floors last.
    std::vector<summary> all() const;

    /// How the costs of two rows compare, in the rounds that have both; if there are any.
    std::optional<double> ratio(const row& what, const row& other) const;

private:
    struct slice {
        int round;
        figures measured;
    };
    struct pairs {
        row floor;
        std::vector<double> ratios;
    };

    std::vector<row> order_;
    std::map<row, std::vector<slice>> slices_;
    std::map<row, pairs> pairs_;
};

/// An array of objects, one a row.
nlohmann::ordered_json to_json(const std::vector<summary>& rows);

}  // namespace bench
