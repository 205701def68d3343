// SPDX-License-Identifier: MIT
/// How fast pipes are used, from one look to the next.
#pragma once

#include "inspect/answers.hpp"

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

namespace remora::inspect {

/// Remembers the look before.
class rate_meter {
public:
    /// Puts the rates into the answers: those since the look before, for connections that it had;
    /// for others, those since they were opened.
    void measure(std::vector<answer>& answers);

private:
    using connection = std::pair<std::filesystem::path, std::uint64_t>;
    std::map<connection, wire::connection_report> before_;
};

}  // namespace remora::inspect
