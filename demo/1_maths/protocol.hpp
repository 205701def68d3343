// SPDX-License-Identifier: MIT
// All that the two executables share: plain structs.
#pragma once

#include <string>

struct answer {
    bool known = false;
    int value = 0;
    std::string problem;
};

struct question {
    using reply = answer;

    int a = 0;
    int b = 0;
    std::string op;
};
