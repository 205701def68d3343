// SPDX-License-Identifier: MIT
// The same protocol a year later. Fields were added, each at the end of its struct; none was moved,
// removed or given another type. That is all there is to it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <cereal/types/optional.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/vector.hpp>

struct city {
    std::string name;
    int days = 1;  // an older app does not send it: it stays 1

    template <class Archive>
    void serialize(Archive& ar) {
        ar(name, days);
    }
};

struct wind {
    int degrees = 0;
    double speed = 0;

    template <class Archive>
    void serialize(Archive& ar) {
        ar(degrees, speed);
    }
};

struct weather {
    std::string sky;
    int celsius = 0;
    std::optional<wind> blowing;  // an older app passes over these two
    std::vector<int> forecast;

    template <class Archive>
    void serialize(Archive& ar) {
        ar(sky, celsius, blowing, forecast);
    }
};
