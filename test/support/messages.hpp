// SPDX-License-Identifier: MIT
/// The messages that the tests exchange.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <cereal/types/string.hpp>
#include <cereal/types/vector.hpp>

namespace test {

struct number {
    std::int64_t value = 0;

    template <class Archive>
    void serialize(Archive& ar) {
        ar(value);
    }
};

/// What a server asks its app.
struct app_question {
    using reply = number;
    std::int64_t value = 0;

    template <class Archive>
    void serialize(Archive& ar) {
        ar(value);
    }
};

struct text {
    std::string value;

    template <class Archive>
    void serialize(Archive& ar) {
        ar(value);
    }
};

struct blob {
    std::uint64_t number = 0;
    std::vector<std::uint8_t> bytes;

    template <class Archive>
    void serialize(Archive& ar) {
        ar(number, bytes);
    }
};

/// A blob whose bytes follow from its number.
inline blob make_blob(std::uint64_t number, std::size_t size) {
    blob b{number, std::vector<std::uint8_t>(size)};
    for (std::size_t i = 0; i < size; ++i)
        b.bytes[i] = static_cast<std::uint8_t>(number * 31 + i);
    return b;
}

}  // namespace test
