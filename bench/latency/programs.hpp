// SPDX-License-Identifier: MIT
/// The programs that measure the rows, and their command lines.
#pragma once

#include "plan.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace bench {

/// Finds programs in a directory, and in its subdirectory peers.
class programs {
public:
    explicit programs(std::filesystem::path directory) : directory_(std::move(directory)) {}

    /// What must be there to measure the row, and is not.
    std::vector<std::string> missing(const row& what) const;

    std::vector<std::string> command(const row& what, double seconds) const;

private:
    std::filesystem::path find(const std::string& name) const;

    std::filesystem::path directory_;
};

/// Whether the row is just left out where its program was not built.
bool is_optional(const row& what);

}  // namespace bench
