// SPDX-License-Identifier: MIT
// The same protocol a year later. Fields were added, each at the end of its struct; none was moved,
// removed or given another type. `weather` has lost its function, which changes nothing.
#pragma once

#include <optional>
#include <string>
#include <vector>

struct city {
    std::string name;
    int days = 1;  // an older app does not send it: it stays 1
};

struct wind {
    int degrees = 0;
    double speed = 0;
};

struct weather {
    std::string sky;
    int celsius = 0;
    std::optional<wind> blowing;  // an older app passes over these two
    std::vector<int> forecast;
};
