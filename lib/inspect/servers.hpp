// SPDX-License-Identifier: MIT
/// Finds this user's running servers, and asks them.
#pragma once

#include "inspect/answers.hpp"

#include <chrono>
#include <filesystem>
#include <optional>
#include <vector>

namespace remora::inspect {

/// Where servers make the directories of their runs, as far as this process can know: the
/// environments of others may differ.
std::vector<std::filesystem::path> usual_places();

/// Asks every server of this user whose directory is in one of the places, all at once. Those that
/// have not answered after `limit` have a `problem`.
std::vector<answer> ask_servers(const std::vector<std::filesystem::path>& places,
                                std::chrono::milliseconds limit);

}  // namespace remora::inspect
