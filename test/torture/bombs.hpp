// SPDX-License-Identifier: MIT
/// Small messages that ask for much.
#pragma once

#include "fuzz/kitchen_sink.hpp"
#include "support/calls.hpp"

#include <cstring>
#include <string>
#include <vector>

namespace torture {

/// A container whose user resizes it to what the size tag says: only there are sizes of 64 bits.
template <class Container>
struct trusting {
    Container items;
    template <class Archive>
    void load(Archive& ar) {
        cereal::size_type size = 0;
        ar(cereal::make_size_tag(size));
        items.resize(size);
    }
};

struct chain {
    std::unique_ptr<chain> next;
    template <class Archive>
    void load(Archive& ar) {
        ar(next);
    }
};

/// A request with one of the values that bombs are made for.
struct cargo {
    using reply = test::sum;
    std::variant<std::vector<std::int32_t>, std::vector<double>, std::list<std::int32_t>,
                 std::string, std::vector<fuzz::nothing>, std::vector<fuzz::heavy>,
                 std::map<std::int32_t, std::int32_t>, std::vector<std::deque<std::int32_t>>,
                 std::vector<std::vector<fuzz::heavy>>, trusting<std::vector<double>>, chain,
                 trusting<std::list<std::int32_t>>, trusting<std::vector<fuzz::nothing>>,
                 trusting<std::string>>
        value;
    template <class Archive>
    void load(Archive& ar) {
        ar(value);
    }
};

struct bomb {
    std::string name, bytes;
    bool unfolds = false;  ///< it may fill its budget before it is refused
};

inline std::string little(std::uint64_t n, std::size_t bytes = 4) {
    return {reinterpret_cast<const char*>(&n), bytes};
}
inline std::string record_of(const std::string& body) {
    return '\x46' + little(body.size()) + body;
}
inline std::string list_of(char kind, std::uint64_t count, const std::string& body,
                           std::size_t times = 1) {
    std::string all = std::string("\x41") + kind + little(count);
    for (; times > 0; --times)
        all += body;
    return all;
}
/// Of the size tag of a `trusting`.
inline std::string tagged(std::uint64_t size) {
    return record_of('\x28' + little(size, 8));
}
/// So many chains, each in the one before.
inline std::string nested(std::size_t levels) {
    std::string all = '\x46' + little(7 * levels);
    for (; levels > 0; --levels)
        all += std::string("\x43\x01\x46") + little(7 * (levels - 1));
    return all;
}

inline const std::vector<bomb>& all_bombs() {
    const std::string zeros(64, '\0');
    const auto as = [](int alternative, const std::string& value) {
        return record_of('\x44' + std::string(1, static_cast<char>(alternative)) + value);
    };
    static const std::vector<bomb> bombs{
        {"vector of 2^28", as(0, list_of('\x14', 1u << 28, zeros))},
        {"vector of 2^32 - 1", as(1, list_of('\x38', ~0u, zeros))},
        {"list of 2^32 - 1", as(2, list_of('\x14', ~0u, zeros))},
        {"string of 2^32 - 1", as(3, '\x40' + little(~0u) + zeros)},
        {"2^32 - 1 empty structs", as(4, list_of('\x46', ~0u, zeros))},
        {"65536 of 4 KiB in 4 bytes each", as(5, list_of('\x46', 65536, little(0), 65536))},
        {"map of 2^32 - 1", as(6, "\x42\x14\x14" + little(~0u) + zeros)},
        {"size tag of a vector, 2^61", as(9, tagged(1ull << 61))},
        {"size tag of a vector, 2^64 - 1", as(9, tagged(~0ull))},
        {"size tag of a list, 2^40", as(11, tagged(1ull << 40))},
        {"size tag of empty structs, 2^33", as(12, tagged(1ull << 33))},
        {"size tag of a string, 2^32", as(13, tagged(1ull << 32))},
        {"nested 200,000 times", as(10, nested(200'000))},
        {"deques of nothing", as(7, list_of('\x41', 200'000, '\x14' + little(0), 200'000)), true},
        {"4 KiB in 9 bytes, one by one",
         as(8, list_of('\x41', 20'000, '\x46' + little(1) + little(0), 20'000)), true},
    };
    return bombs;
}

/// An honest message, with each four bytes of it replaced by each number at an edge.
inline std::vector<std::string> all_edges() {
    fuzz::kitchen_sink sink;
    sink.list = {{1, "one", 1.5}, {2, "two", {}}};
    sink.map = {{"a", {1, 2}}, {"b", {}}};
    sink.pointer = std::make_unique<fuzz::shape>();
    sink.variant = fuzz::shape{};
    sink.nested = {{{"deep"}}};
    sink.unordered = {{1, 2}, {3, {}}};
    remora::byte_buffer out;
    remora::encode(out, sink);
    const std::string honest(reinterpret_cast<const char*>(out.data()), out.size());
    std::vector<std::string> all;
    for (std::size_t at = 0; at + 4 <= honest.size(); ++at) {
        const std::uint64_t left = honest.size() - at - 4;
        for (const std::uint64_t edge :
             {std::uint64_t{0}, std::uint64_t{1}, left - 1, left, left + 1, std::uint64_t{1} << 16,
              std::uint64_t{1} << 28, (std::uint64_t{1} << 31) - 1, std::uint64_t{1} << 31,
              (std::uint64_t{1} << 32) - 1})
            all.push_back(std::string(honest).replace(at, 4, little(edge)));
    }
    return all;
}

}  // namespace torture
