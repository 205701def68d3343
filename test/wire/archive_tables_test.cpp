// SPDX-License-Identifier: MIT
/// Maps and sets from bytes that mean ill: keys that collide, elements that are large.
#include <functional>
#include <numeric>

#include "wire/archive_support.hpp"

namespace {

using remora::errc;
using test::bytes;
using test::code;
using test::decode_failure;
using test::encoded;
using test::from_hex;

constexpr std::size_t many = 80000;

/// As many buckets as a table of the standard library has for `count` elements.
std::uint64_t buckets_for(std::size_t count) {
    std::unordered_map<std::uint64_t, bool> table;
    table.reserve(count);
    std::unordered_map<std::uint64_t, bool> grown;
    for (std::size_t i = 0; i < count; ++i)
        grown.emplace(i, true);
    return std::lcm(table.bucket_count(), grown.bucket_count());
}

/// Keys that all fall into one bucket of a table with `count` elements.
std::vector<std::uint64_t> colliding_numbers(std::size_t count) {
    std::vector<std::uint64_t> keys;
    const auto buckets = buckets_for(count);
    for (std::uint64_t i = 0; i < count; ++i)
        keys.push_back(i * buckets);
    return keys;
}

/// The same for strings: the hash of a string is the same in every program.
std::vector<std::string> colliding_strings(std::size_t count, std::size_t buckets) {
    std::vector<std::string> keys;
    for (std::uint64_t i = 0; keys.size() < count; ++i)
        if (auto key = std::to_string(i); std::hash<std::string>()(key) % buckets == 0)
            keys.push_back(key);
    return keys;
}

/// A map from these keys to true, in their order.
bytes map_of(const std::vector<std::uint64_t>& keys) {
    remora::byte_buffer out;
    remora::output_archive archive(out, 1);
    for (auto kind :
         {remora::detail::kind::map, remora::detail::kind::u64, remora::detail::kind::boolean})
        archive.put_kind(kind);
    archive.put_count(keys.size());
    for (auto key : keys) {
        archive.put_number(key);
        archive.put_number(true);
    }
    return {out.data(), out.data() + out.size()};
}

/// A value of a map of itself, too large for many of them to lie on the stack.
struct node {
    std::map<int, node> children;
    std::array<char, 48 << 10> buffer{};
    template <class Archive>
    void serialize(Archive& ar) {
        ar(children, buffer);
    }
};

/// The same as an element of a set.
struct element {
    std::set<element> inside;
    std::array<char, 48 << 10> buffer{};
    template <class Archive>
    void serialize(Archive& ar) {
        ar(inside, buffer);
    }
    bool operator<(const element& other) const { return inside.size() < other.inside.size(); }
};

/// `levels` records, each in a container of one element whose head is given.
bytes nested(int levels, std::string_view head) {
    bytes body;
    const auto before = from_hex(head);
    auto append_length = [](bytes& out, std::size_t n) {
        auto length = static_cast<std::uint32_t>(n);
        auto* from = reinterpret_cast<const std::byte*>(&length);
        out.insert(out.end(), from, from + sizeof length);
    };
    while (--levels > 0) {
        bytes outer = before;
        append_length(outer, body.size());
        outer.insert(outer.end(), body.begin(), body.end());
        body = std::move(outer);
    }
    bytes all = from_hex("46");
    append_length(all, body.size());
    all.insert(all.end(), body.begin(), body.end());
    return all;
}

}  // namespace

TEST_CASE("numbers chosen to collide in a hash table are refused, and the error says why") {
    const auto keys = colliding_numbers(many);
    auto f = decode_failure<std::unordered_set<std::uint64_t>>(encoded(keys));
    CHECK(f.code == code(errc::over_budget));
    CHECK(f.has("the keys of a hash table collide"));
    using map = std::unordered_map<std::uint64_t, bool>;
    CHECK(decode_failure<map>(map_of(keys)).code == code(errc::over_budget));
}

TEST_CASE("strings chosen to collide in a hash table are refused") {
    std::unordered_set<std::string> table;
    table.reserve(4000);
    auto keys = colliding_strings(4000, table.bucket_count());
    auto f = decode_failure<std::unordered_set<std::string>>(encoded(keys));
    CHECK(f.code == code(errc::over_budget));
}

TEST_CASE("equal keys are legal in a multimap, however many") {
    using map = std::unordered_multimap<std::uint64_t, bool>;
    const std::vector<std::uint64_t> equal(many, 7);
    CHECK(remora::decode<map>(map_of(equal)).size() == many);
    CHECK(remora::decode<std::unordered_multiset<std::uint64_t>>(encoded(equal)).size() == many);
    CHECK(remora::decode<std::unordered_set<std::uint64_t>>(encoded(equal)).size() == 1);
}

TEST_CASE("groups of equal keys that collide are refused") {
    std::vector<std::uint64_t> keys(many / 2, 0);
    keys.push_back(buckets_for(many));
    keys.insert(keys.end(), many / 4, keys.back());
    keys.insert(keys.end(), many / 4, 0);
    auto f = decode_failure<std::unordered_multiset<std::uint64_t>>(encoded(keys));
    CHECK(f.code == code(errc::over_budget));
}

TEST_CASE("a small table may have a hash that tells nothing apart") {
    struct constant {
        std::size_t operator()(int) const { return 0; }
    };
    std::unordered_set<int, constant> set;
    for (int i = 0; i < 64; ++i)
        set.insert(i);
    CHECK(test::round_trip(set) == set);
}

TEST_CASE("honest keys of any pattern are taken") {
    for (std::uint64_t step : {1ull, 7ull, 64ull, 4096ull, 1ull << 32, 0x9e3779b97f4a7c15ull}) {
        std::vector<std::uint64_t> keys;
        for (std::uint64_t i = 0; i < 20000; ++i)
            keys.push_back(i * step);
        CHECK(remora::decode<std::unordered_set<std::uint64_t>>(encoded(keys)).size() == 20000);
    }
}

TEST_CASE("large elements of maps and sets do not lie on the stack, however deep") {
    auto map = std::make_unique<node>();
    remora::decode(nested(256, "42 14 46 01000000 00000000"), *map);
    CHECK(map->children.at(0).children.size() == 1);
    auto set = std::make_unique<element>();
    remora::decode(nested(256, "41 46 01000000"), *set);
    CHECK(set->inside.begin()->inside.size() == 1);
}

TEST_CASE("what a map or set held before is gone, and what orders it stays") {
    using backwards = std::set<int, std::function<bool(int, int)>>;
    backwards into({5, 6}, std::greater<int>());
    remora::decode(encoded(std::vector<int>{1, 3, 2}), into);
    CHECK(std::vector<int>(into.begin(), into.end()) == std::vector<int>{3, 2, 1});
    remora::decode(encoded(std::vector<int>{}), into);
    CHECK(into.empty());
}

TEST_CASE("equal keys of a multimap keep their order") {
    std::multimap<int, int> map{{1, 3}, {1, 1}, {1, 2}, {0, 9}};
    CHECK(test::round_trip(map) == map);
}
