// SPDX-License-Identifier: MIT
/// The command line of the benchmark.
#pragma once

#include "jobs.hpp"

#include <filesystem>
#include <string>

namespace bench {

struct options {
    bool quick = false;
    bool list = false;
    std::string json, plot;  ///< files; empty: none
    int rounds = 0;
    double seconds = 0;
    filter wanted;
    std::filesystem::path bin;  ///< where the measured programs are

    static std::filesystem::path own_directory();

    /// Ends the process if they make no sense, or after --help.
    static options from(int argc, char** argv);
};

}  // namespace bench
