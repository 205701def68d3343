// SPDX-License-Identifier: MIT
/// Records that several tests of the archive read and write.
#pragma once

#include <remora/archive.hpp>

#include <array>
#include <stdexcept>
#include <string>
#include <vector>

namespace test {

struct old_question {
    int a = 0, b = 0;
    std::string op;
    bool operator==(const old_question&) const = default;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(a, b, op);
    }
};

struct inner {
    std::array<int, 2> pair{};
    bool flag = false;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(pair, flag);
    }
};
struct outer {
    int first = 0;
    std::vector<inner> inners;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(first, inners);
    }
};

/// Its function throws, in one way or the other.
struct throwing {
    std::string how;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(how);
        if (how == "runtime") throw std::runtime_error("mine");
        if (how == "cereal" && Archive::is_loading::value) throw cereal::Exception("not so");
    }
};

}  // namespace test
