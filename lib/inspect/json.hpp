// SPDX-License-Identifier: MIT
/// The servers as one JSON document.
#pragma once

#include "inspect/answers.hpp"

#include <string>
#include <vector>

namespace remora::inspect {

/// In one line, without its end.
std::string json_of(const std::vector<answer>& answers);

}  // namespace remora::inspect
