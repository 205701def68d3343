// SPDX-License-Identifier: MIT
/// Plain structs, beside structs with a serialize function that gives the same members.
#include <list>
#include <utility>

#include "wire/archive_support.hpp"

namespace {

using remora::errc;
using test::bytes;
using test::code;
using test::decode_failure;
using test::encoded;
using test::from_hex;
using test::read_as;
using test::to_hex;

/// A record of N numbers, by a function.
template <int N>
struct numbers_in_turn {
    std::array<int, N> numbers{};
    template <class Archive>
    void serialize(Archive& ar) {
        for (auto& each : numbers)
            ar(each);
    }
};

struct no_number {};
struct one_number {
    int a;
};
struct two_numbers {
    int a, b;
};
struct three_numbers {
    int a, b, c;
};
struct eight_numbers {
    int a, b, c, d, e, f, g, h;
};
struct nine_numbers {
    int a, b, c, d, e, f, g, h, i;
};
struct seventeen_numbers {
    int a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q;
};
struct sixty_four_numbers {
    int a1, a2, a3, a4, a5, a6, a7, a8, b1, b2, b3, b4, b5, b6, b7, b8;
    int c1, c2, c3, c4, c5, c6, c7, c8, d1, d2, d3, d4, d5, d6, d7, d8;
    int e1, e2, e3, e4, e5, e6, e7, e8, f1, f2, f3, f4, f5, f6, f7, f8;
    int g1, g2, g3, g4, g5, g6, g7, g8, h1, h2, h3, h4, h5, h6, h7, h8;
};

/// Both are read from the other's bytes, too.
template <class Plain, class Twin>
void check_twins(const Plain& plain, const Twin& twin) {
    CHECK(to_hex(encoded(plain)) == to_hex(encoded(twin)));
    CHECK(to_hex(encoded(read_as<Plain>(twin))) == to_hex(encoded(twin)));
    CHECK(to_hex(encoded(read_as<Twin>(plain))) == to_hex(encoded(twin)));
}

template <class Plain, int... I>
void check_numbers(std::integer_sequence<int, I...>) {
    check_twins(Plain{I...}, numbers_in_turn<sizeof...(I)>{{I...}});
}

struct plain_place {
    double x = 0, y = 0;
};
struct told_place {
    double x = 0, y = 0;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(x, y);
    }
};

enum class plain_colour : std::uint8_t { red, blue };

/// What could be taken for several members, or for none.
struct plain_members {
    using reply = plain_place;
    using items = int;
    enum class inner { one };
    [[maybe_unused]] static constexpr int constant = 3;
    [[maybe_unused]] static inline int variable = 4;

    plain_place nested{1, 2};
    std::array<int, 3> numbers{1, 2, 3};
    std::array<plain_place, 2> places{{{1, 2}, {3, 4}}};
    std::pair<int, plain_place> pair{5, {6, 7}};
    std::tuple<int, bool> tuple{8, true};
    char characters[3] = {'a', 'b', 'c'};
    int table[2][2] = {{1, 2}, {3, 4}};
    plain_place built_in[2] = {{1, 2}, {3, 4}};
    no_number nothing;
    plain_colour colour = plain_colour::blue;
    std::complex<float> complex{1, 2};
    std::bitset<9> bits{5};
    bool flag = true;

    int sum() const { return numbers[0] + numbers[1]; }
};
struct told_members : plain_members {
    template <class Archive>
    void serialize(Archive& ar) {
        ar(nested, numbers, places, pair, tuple, characters, table, built_in, nothing, colour,
           complex, bits, flag);
    }
};

struct one_array {
    std::array<int, 2> numbers{};
};
struct one_built_in_array {
    int numbers[2];
};
struct one_place {
    plain_place place;
};
struct told_array {
    std::array<int, 2> numbers{};
    template <class Archive>
    void serialize(Archive& ar) {
        ar(numbers);
    }
};
struct told_one_place {
    plain_place place;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(place);
    }
};

/// A struct in everything that can hold one.
template <class Place>
struct plain_holder {
    Place direct;
    std::vector<Place> list;
    std::map<std::string, Place> map;
    std::optional<Place> optional;
    std::variant<int, Place> variant;
    std::unique_ptr<Place> pointer;
    std::list<std::vector<Place>> lists;
    std::atomic<int> atomic{9};
    int last = 0;
};

template <class Place>
void fill_holder(plain_holder<Place>& holder) {
    holder.direct = {1, 2};
    holder.list = {{3, 4}, {5, 6}};
    holder.map["key"] = {7, 8};
    holder.optional = Place{9, 10};
    holder.variant = Place{11, 12};
    holder.pointer = std::make_unique<Place>(Place{13, 14});
    holder.lists = {{{15, 16}}, {}};
    holder.last = 17;
}

struct plain_tree {
    int value = 0;
    std::vector<plain_tree> children;
    std::unique_ptr<plain_tree> next;
    std::optional<std::vector<plain_tree>> others;
};

/// The same struct in its first and in its second version.
struct plain_old {
    int a = 0;
};
struct plain_new {
    int a = 0;
    std::string b = "default";
    std::vector<int> c{1, 2};
    plain_place d{3, 4};
};
struct told_old {
    int a = 0;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(a);
    }
};
struct told_new : plain_new {
    template <class Archive>
    void serialize(Archive& ar) {
        ar(a, b, c, d);
    }
};

template <class New>
bool has_plain_defaults(const New& value) {
    return value.b == "default" && value.c == std::vector{1, 2} && value.d.x == 3 && value.d.y == 4;
}

struct plain_question {
    std::int32_t a = 0, b = 0;
    std::string op;
};

struct told_question : plain_question {
    template <class Archive>
    void serialize(Archive& ar) {
        ar(a, b, op);
    }
};

/// Functions outside of the class are functions, too.
struct told_outside {
    int kept = 0, left_out = 0;
};
template <class Archive>
void serialize(Archive& ar, told_outside& value) {
    ar(value.kept);
}
struct told_by_pair {
    int kept = 0, left_out = 0;
    template <class Archive>
    void save(Archive& ar) const {
        ar(kept);
    }
    template <class Archive>
    void load(Archive& ar) {
        ar(kept);
    }
};
/// Functions of these names that are not Cereal's.
struct with_own_functions {
    int a = 0;
    bool load = false;
    bool save(const std::string&) const { return load; }
};

}  // namespace

TEST_CASE("a plain struct has the bytes of one whose serialize gives all members in their order") {
    check_numbers<no_number>(std::make_integer_sequence<int, 0>());
    check_numbers<one_number>(std::make_integer_sequence<int, 1>());
    check_numbers<two_numbers>(std::make_integer_sequence<int, 2>());
    check_numbers<three_numbers>(std::make_integer_sequence<int, 3>());
    check_numbers<eight_numbers>(std::make_integer_sequence<int, 8>());
    check_numbers<nine_numbers>(std::make_integer_sequence<int, 9>());
    check_numbers<seventeen_numbers>(std::make_integer_sequence<int, 17>());
    check_numbers<sixty_four_numbers>(std::make_integer_sequence<int, 64>());
}

TEST_CASE("golden bytes: a plain struct is a record") {
    const auto* golden = "46 10000000 14 05000000 14 04000000 40 01000000 2b";
    CHECK(to_hex(encoded(plain_question{5, 4, "+"})) == to_hex(from_hex(golden)));
    const auto read = remora::decode<plain_question>(from_hex(golden));
    CHECK(read.a == 5);
    CHECK(read.b == 4);
    CHECK(read.op == "+");
    CHECK(to_hex(encoded(no_number())) == "4600000000");
}

TEST_CASE("a member that is an aggregate or an array is one member") {
    CHECK(remora::detail::count_members<plain_members>() == 13);
    check_twins(plain_members(), told_members());
    check_twins(one_array{{1, 2}}, told_array{{1, 2}});
    check_twins(one_built_in_array{{1, 2}}, told_array{{1, 2}});
    check_twins(one_place{{1, 2}}, told_one_place{{1, 2}});
}

TEST_CASE("a plain struct stands wherever a value can, also without a copy") {
    plain_holder<plain_place> plain;
    plain_holder<told_place> told, read;
    fill_holder(plain);
    fill_holder(told);
    CHECK(to_hex(encoded(plain)) == to_hex(encoded(told)));
    remora::decode(encoded(plain), read);
    CHECK(to_hex(encoded(read)) == to_hex(encoded(told)));
    CHECK(read.pointer->y == 14);
}

TEST_CASE("a plain struct may hold itself") {
    plain_tree tree{1, {}, {}, {}};
    tree.children.resize(2);
    tree.children[1].next = std::make_unique<plain_tree>();
    tree.children[1].next->value = 7;
    tree.others.emplace(3);
    const auto read = remora::decode<plain_tree>(encoded(tree));
    CHECK(read.children.at(1).next->value == 7);
    CHECK(read.others->size() == 3);
    CHECK(to_hex(encoded(read)) == to_hex(encoded(tree)));
}

TEST_CASE("members that an older sender does not have keep their values") {
    for (const auto& read : {read_as<plain_new>(plain_old{8}), read_as<plain_new>(told_old{8})}) {
        CHECK(read.a == 8);
        CHECK(has_plain_defaults(read));
    }
    CHECK(has_plain_defaults(read_as<told_new>(plain_old{8})));
    CHECK(has_plain_defaults(remora::decode<plain_new>(from_hex("46 00000000"))));

    plain_new into{1, "mine", {}, {}};
    remora::decode(encoded(plain_old{8}), into);
    CHECK(into.a == 8);
    CHECK(into.b == "mine");
}

TEST_CASE("members that a newer sender has added are passed over") {
    const plain_new sent{8, "sent", {}, {}};
    CHECK(read_as<plain_old>(sent).a == 8);
    CHECK(read_as<told_old>(sent).a == 8);
    CHECK(read_as<plain_old>(told_new{sent}).a == 8);
    CHECK(read_as<std::pair<plain_old, int>>(std::pair{sent, 3}).second == 3);
}

TEST_CASE("a class with functions for Cereal keeps using them") {
    CHECK(to_hex(encoded(told_outside{1, 2})) == to_hex(encoded(one_number{1})));
    CHECK(to_hex(encoded(told_by_pair{1, 2})) == to_hex(encoded(one_number{1})));
    CHECK(read_as<told_by_pair>(two_numbers{1, 2}).left_out == 0);
    CHECK(read_as<with_own_functions>(with_own_functions{1, true}).load);
}

TEST_CASE("hostile bytes of a plain struct fail as those of any record do") {
    const auto both_fail = [](const bytes& in) {
        const auto failed = decode_failure<plain_question>(in);
        CHECK(failed.code == decode_failure<told_question>(in).code);
        return failed.code;
    };
    const auto whole = encoded(plain_question{5, 4, "+"});
    for (std::size_t n = 0; n != whole.size(); ++n) {
        CHECK(both_fail({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n)}) ==
              code(errc::truncated));
        for (int change : {1, 0x80, 0xff}) {
            auto changed = whole;
            changed[n] ^= static_cast<std::byte>(change);
            both_fail(changed);
        }
    }
    CHECK(both_fail(from_hex("46 05000000 18 05000000")) == code(errc::field_mismatch));
    CHECK(both_fail(from_hex("46 00000000 00")) == code(errc::bad_value));
}

TEST_CASE("a plain struct refuses another number of elements, and plain structs too deep") {
    const auto one = from_hex("46 0a000000 41 14 01000000 01000000");
    CHECK(decode_failure<one_array>(one).code == code(errc::bad_value));
    CHECK(decode_failure<one_built_in_array>(one).code == code(errc::bad_value));

    plain_tree deep;
    for (int i = 0; i != 300; ++i)
        deep = {0, {}, std::make_unique<plain_tree>(std::move(deep)), {}};
    CHECK(test::failure_of([&] { (void)encoded(deep); }).code == code(errc::too_deep));
}

TEST_CASE("an error names the plain struct and the number of the member") {
    const auto failed =
        decode_failure<plain_question>(from_hex("46 0f000000 14 05000000 14 04000000 14 02000000"));
    CHECK(failed.code == code(errc::field_mismatch));
    CHECK_MESSAGE(failed.has("plain_question"), failed.text);
    CHECK_MESSAGE(failed.has("field 3"), failed.text);
}
