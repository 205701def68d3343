// SPDX-License-Identifier: MIT
/// The servers as text for people.
#pragma once

#include "inspect/answers.hpp"

#include <string>
#include <vector>

namespace remora::inspect {

/// In lines, without their ends.
std::vector<std::string> table_of(const std::vector<answer>& answers);

/// In at most five characters: "999", "12.3k", "0.5".
std::string short_number(double value);

}  // namespace remora::inspect
