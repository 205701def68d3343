// SPDX-License-Identifier: MIT
// All that the two executables share: plain structs with Cereal's serialize functions.
#pragma once

#include <string>

#include <cereal/types/string.hpp>

struct answer {
    bool known = false;
    int value = 0;
    std::string problem;

    template <class Archive>
    void serialize(Archive& ar) {
        ar(known, value, problem);
    }
};

struct question {
    using reply = answer;

    int a = 0;
    int b = 0;
    std::string op;

    template <class Archive>
    void serialize(Archive& ar) {
        ar(a, b, op);
    }
};
