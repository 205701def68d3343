// SPDX-License-Identifier: MIT
// A request names its reply: that is the whole contract, and both sides are compiled against it.
#pragma once

#include <string>
#include <vector>

#include <cereal/types/string.hpp>
#include <cereal/types/vector.hpp>

struct built {
    std::string target;
    int turn = 0;

    template <class Archive>
    void serialize(Archive& ar) {
        ar(target, turn);
    }
};

// Answered when everything that the target needs was built, and then the target.
struct build {
    using reply = built;

    std::string target;
    std::vector<std::string> needs = {};

    template <class Archive>
    void serialize(Archive& ar) {
        ar(target, needs);
    }
};

// Answered when the server has given up a build that nobody waits for any more: with its target.
struct next_given_up {
    using reply = std::string;

    template <class Archive>
    void serialize(Archive&) {}
};
