// SPDX-License-Identifier: MIT
/// Values with some of everything in them.
#pragma once

#include <remora/archive.hpp>

#include <cereal/types/array.hpp>
#include <cereal/types/bitset.hpp>
#include <cereal/types/chrono.hpp>
#include <cereal/types/deque.hpp>
#include <cereal/types/list.hpp>
#include <cereal/types/map.hpp>
#include <cereal/types/memory.hpp>
#include <cereal/types/optional.hpp>
#include <cereal/types/set.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/tuple.hpp>
#include <cereal/types/unordered_map.hpp>
#include <cereal/types/variant.hpp>
#include <cereal/types/vector.hpp>

namespace fuzz {

struct nothing {};

struct shape {
    std::int32_t a = 0;
    std::string name;
    std::optional<double> weight;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(a, name, weight);
    }
};

struct tree {
    std::vector<tree> children;
    std::unique_ptr<tree> next;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(children, next);
    }
};

/// Five bytes on the wire, four kilobytes in memory.
struct heavy {
    std::int32_t id = 0;
    std::array<char, 4096> note{};
    template <class Archive>
    void serialize(Archive& ar) {
        ar(id, note);
    }
};

struct versioned {
    std::int8_t value = 0;
    template <class Archive>
    void serialize(Archive& ar, std::uint32_t version) {
        if (version > 1) ar(value);
    }
};

struct kitchen_sink {
    shape record;
    std::vector<shape> list;
    std::map<std::string, std::vector<std::int32_t>> map;
    std::variant<std::monostate, std::int32_t, shape, std::string> variant;
    std::unique_ptr<shape> pointer;
    std::tuple<bool, char, double> tuple{};
    std::bitset<13> bits;
    std::chrono::milliseconds time{};
    std::set<std::string> set;
    std::array<std::int16_t, 3> array{};
    std::vector<bool> flags;
    std::vector<std::list<std::deque<std::string>>> nested;
    std::unordered_map<std::int32_t, std::optional<std::int64_t>> unordered;
    std::vector<nothing> nothings;
    std::vector<versioned> versions;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(record, list, map, variant, pointer, tuple, bits, time, set, array, flags, nested,
           unordered, nothings, versions);
    }
};

}  // namespace fuzz

CEREAL_CLASS_VERSION(fuzz::versioned, 2)
