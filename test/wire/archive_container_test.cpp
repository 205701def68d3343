// SPDX-License-Identifier: MIT
/// Containers of every sort, and what is left of what they held before.
#include <cereal/types/vector.hpp>
#include <numeric>
#include <valarray>

#include "wire/archive_support.hpp"
#include "wire/archive_values.hpp"

namespace {

using test::encoded;
using test::outer;
using test::read_as;
using test::round_trip;

/// Cereal's own functions for a vector speak for a class that is derived from one.
struct inherits_vector : std::vector<double> {};

struct tree {
    int value = 0;
    std::vector<tree> children;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(value, children);
    }
};

}  // namespace

TEST_CASE("Cereal's functions for a container serve a class derived from it") {
    inherits_vector value;
    value.assign({1, 2, 3});
    CHECK(round_trip(value) == value);
}

TEST_CASE("a class may contain itself through a container") {
    tree root{1, {{2, {}}, {3, {{4, {}}}}}};
    CHECK(round_trip(root).children[1].children[0].value == 4);
}

TEST_CASE("containers of every sort come back whole") {
    std::vector<int> numbers(1000);
    std::iota(numbers.begin(), numbers.end(), -500);
    CHECK(round_trip(numbers) == numbers);
    CHECK(read_as<std::vector<int>>(std::deque<int>(numbers.begin(), numbers.end())) == numbers);
    CHECK(round_trip(std::set<int>(numbers.begin(), numbers.end())).size() == 1000);
    CHECK(round_trip(std::forward_list<std::string>{"a", "b"}) ==
          std::forward_list<std::string>{"a", "b"});
    std::map<std::string, std::vector<double>> map{{"x", {1, 2}}, {"", {}}};
    CHECK(round_trip(map) == map);
    std::unordered_multimap<int, int> pairs{{1, 2}, {1, 3}};
    CHECK(round_trip(pairs) == pairs);
    CHECK(round_trip(std::vector<bool>(77, true)) == std::vector<bool>(77, true));
    CHECK(round_trip(std::valarray<int>(numbers.data(), 1000))[999] == 499);
    CHECK(round_trip(std::valarray<std::string>("abc", 2))[1] == "abc");
    CHECK(round_trip(std::valarray<bool>(true, 3))[2]);
    CHECK(round_trip(std::valarray<int>()).size() == 0);
    CHECK(round_trip(std::bitset<77>(0x5555)) == std::bitset<77>(0x5555));
}

TEST_CASE("a C array of arrays is a list of lists") {
    int grid[2][3] = {{1, 2, 3}, {4, 5, 6}};
    int back[2][3] = {};
    remora::decode(encoded(grid), back);
    CHECK(back[1][2] == 6);
}

TEST_CASE("a priority queue is in order whatever order its bytes had") {
    auto back = read_as<std::priority_queue<int>>(std::vector<int>{1, 5, 3});
    CHECK(back.top() == 5);
    back.pop();
    CHECK(back.top() == 3);
}

TEST_CASE("of equal keys or elements the first stays") {
    std::vector<std::int8_t> twice{3, 3};
    CHECK(read_as<std::set<std::int8_t>>(twice).size() == 1);
    std::multimap<int, int> same{{1, 10}, {1, 20}};
    CHECK(read_as<std::map<int, int>>(same) == std::map<int, int>{{1, 10}});
    CHECK(read_as<std::unordered_map<int, int>>(same).size() == 1);
}

TEST_CASE("decoding into a value replaces all that its containers held") {
    outer into{1, {{{1, 1}, true}, {{2, 2}, true}, {{3, 3}, true}}};
    remora::decode(encoded(outer{5, {{{7, 8}, false}}}), into);
    CHECK(into.first == 5);
    REQUIRE(into.inners.size() == 1);
    CHECK(!into.inners[0].flag);
}

TEST_CASE("strings in a container keep their memory when it is read into again") {
    std::vector<std::string> into{std::string(100, 'x'), std::string(200, 'y'), "z"};
    auto* memory = into[1].data();
    remora::decode(encoded(std::vector<std::string>{"a", "b"}), into);
    CHECK(into == std::vector<std::string>{"a", "b"});
    CHECK(into[1].data() == memory);
    remora::decode(encoded(std::vector<std::string>{"a", "b", "c", "d"}), into);
    CHECK(into == std::vector<std::string>{"a", "b", "c", "d"});
}
