// SPDX-License-Identifier: MIT
/// What servers have said of themselves.
#pragma once

#include "wire/run_report.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace remora::inspect {

/// So many a second, in one direction of a pipe.
struct flow {
    double messages = 0, calls = 0, items = 0, bytes = 0;
};

/// As the server sees it.
struct pipe_rates {
    flow in, out;
};

/// One server.
struct answer {
    std::filesystem::path directory;              ///< of its run
    int pid = 0;                                  ///< 0: it is not known
    std::optional<wire::run_report> report = {};  ///< none: see `problem`
    std::vector<pipe_rates> rates = {};           ///< of each connection of the report
    std::string problem = {};                     ///< why there is no report
};

}  // namespace remora::inspect
