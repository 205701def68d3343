// SPDX-License-Identifier: MIT
// The protocol as it was when the first app was built.
#pragma once

#include <string>

struct city {
    std::string name;
};

// Lists its members in a function for Cereal. They could go without it: the bytes are the same.
struct weather {
    std::string sky;
    int celsius = 0;

    template <class Archive>
    void serialize(Archive& ar) {
        ar(sky, celsius);
    }
};
