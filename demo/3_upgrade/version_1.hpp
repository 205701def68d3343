// SPDX-License-Identifier: MIT
// The protocol as it was when the first app was built.
#pragma once

#include <string>

#include <cereal/types/string.hpp>

struct city {
    std::string name;

    template <class Archive>
    void serialize(Archive& ar) {
        ar(name);
    }
};

struct weather {
    std::string sky;
    int celsius = 0;

    template <class Archive>
    void serialize(Archive& ar) {
        ar(sky, celsius);
    }
};
