// SPDX-License-Identifier: MIT
/// What is measured: the kinds of messages that programs send.
#pragma once

#include <cereal/types/array.hpp>
#include <cereal/types/map.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/vector.hpp>

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace micro {

struct question {
    int a = 0, b = 0;
    std::string op;

    bool operator==(const question&) const = default;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(a, b, op);
    }
};

struct packet {
    std::array<std::uint64_t, 8> words{};

    bool operator==(const packet&) const = default;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(words);
    }
};

using numbers = std::vector<int>;
using table = std::map<std::string, numbers>;

template <class T>
T example();

template <>
inline question example() {
    return {5, 4, "+"};
}

template <>
inline packet example() {
    return {{1, 2, 3, 4, 5, 6, 7, 8}};
}

template <>
inline numbers example() {
    numbers all(1000);
    for (int i = 0; i != 1000; ++i)
        all[static_cast<std::size_t>(i)] = i * i;
    return all;
}

template <>
inline table example() {
    table all;
    for (int i = 0; i != 20; ++i)
        all["row " + std::to_string(i)] = numbers(10, i);
    return all;
}

}  // namespace micro
