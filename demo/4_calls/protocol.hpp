// SPDX-License-Identifier: MIT
// A request names its reply: that is the whole contract, and both sides are compiled against it.
#pragma once

#include <string>
#include <vector>

struct built {
    std::string target;
    int turn = 0;
};

// Answered when everything that the target needs was built, and then the target.
struct build {
    using reply = built;

    std::string target;
    std::vector<std::string> needs = {};
};

// Answered when the server has given up a build that nobody waits for any more: with its target.
struct next_given_up {
    using reply = std::string;
};
