// SPDX-License-Identifier: MIT
/// The bytes of every kind of value, as lib/wire/protocol.md lays them out. They never change: a
/// program of last year reads them.
#include <cereal/types/base_class.hpp>

#include "wire/archive_support.hpp"

namespace {

using test::encoded;
using test::from_hex;
using test::to_hex;

/// The value gives these bytes, and these bytes give a value that gives them again.
template <class T>
void check_golden(const T& value, std::string_view hex) {
    auto golden = to_hex(from_hex(hex));
    CHECK(to_hex(encoded(value)) == golden);
    CHECK(to_hex(encoded(remora::decode<T>(from_hex(hex)))) == golden);
}

enum class colour : std::uint16_t { red = 1, blue = 0x0203 };

struct nothing {};

struct golden_question {
    std::int32_t a = 0, b = 0;
    std::string op;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(a, b, op);
    }
};

struct versioned {
    std::int8_t value = 0;
    template <class Archive>
    void serialize(Archive& ar, std::uint32_t) {
        ar(value);
    }
};

struct base {
    bool flag = false;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(flag);
    }
};

struct derived : base {
    std::uint8_t own = 0;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(cereal::base_class<base>(this), own);
    }
};

struct celsius {
    float degrees = 0;
    template <class Archive>
    float save_minimal(const Archive&) const {
        return degrees;
    }
    template <class Archive>
    void load_minimal(const Archive&, const float& value) {
        degrees = value;
    }
};

struct versioned_minimal {
    std::int8_t value = 0;
    template <class Archive>
    std::int8_t save_minimal(const Archive&, std::uint32_t) const {
        return value;
    }
    template <class Archive>
    void load_minimal(const Archive&, const std::int8_t& from, std::uint32_t) {
        value = from;
    }
};

/// A user's own container, written with Cereal's helpers.
struct own_row {
    std::vector<std::uint16_t> items;
    template <class Archive>
    void save(Archive& ar) const {
        ar(cereal::make_size_tag(static_cast<cereal::size_type>(items.size())));
        ar(cereal::binary_data(items.data(), items.size() * 2));
    }
    template <class Archive>
    void load(Archive& ar) {
        cereal::size_type size = 0;
        ar(cereal::make_size_tag(size));
        items.resize(size);
        ar(cereal::binary_data(items.data(), items.size() * 2));
    }
};

struct own_map_item {
    std::int8_t key = 0, value = 0;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(cereal::make_map_item(key, value));
    }
};

}  // namespace

CEREAL_CLASS_VERSION(versioned, 7)
CEREAL_CLASS_VERSION(versioned_minimal, 2)

TEST_CASE("golden bytes: a number is its kind and its little-endian bytes") {
    check_golden(false, "01 00");
    check_golden(true, "01 01");
    check_golden(std::int8_t{-2}, "11 fe");
    check_golden(std::int16_t{0x0102}, "12 0201");
    check_golden(std::int32_t{-2}, "14 feffffff");
    check_golden(std::int64_t{0x0102030405060708}, "18 0807060504030201");
    check_golden(std::uint8_t{0xab}, "21 ab");
    check_golden(std::uint16_t{0x0102}, "22 0201");
    check_golden(std::uint32_t{0x01020304}, "24 04030201");
    check_golden(std::uint64_t{1}, "28 0100000000000000");
    check_golden(1.5f, "34 0000c03f");
    check_golden(-2.0, "38 00000000000000c0");
}

TEST_CASE("golden bytes: characters and bytes are u8, wider characters u16 and u32") {
    check_golden('A', "21 41");
    check_golden(static_cast<signed char>('A'), "11 41");
    check_golden(u8'A', "21 41");
    check_golden(std::byte{0xff}, "21 ff");
    check_golden(u'A', "22 4100");
    check_golden(U'A', "24 41000000");
}

TEST_CASE("golden bytes: an enumeration is its underlying number, an atomic its value") {
    check_golden(colour::blue, "22 0302");
    std::atomic<std::int16_t> counter{5};
    CHECK(to_hex(encoded(counter)) == "120500");
    remora::decode(from_hex("12 0600"), counter);
    CHECK(counter == 6);
}

TEST_CASE("golden bytes: rows of u8 are bytes, whatever holds them") {
    check_golden(std::string("hi"), "40 02000000 6869");
    check_golden(std::string(), "40 00000000");
    check_golden(std::vector<std::uint8_t>{1, 2}, "40 02000000 0102");
    check_golden(std::deque<char>{'h', 'i'}, "40 02000000 6869");
    check_golden(std::list<std::byte>{std::byte{9}}, "40 01000000 09");
    check_golden(std::array<char, 2>{'h', 'i'}, "40 02000000 6869");
}

TEST_CASE("golden bytes: a list is the kind of its elements, their count, their bodies") {
    const auto* two = "41 12 02000000 0100 feff";
    check_golden(std::vector<std::int16_t>{1, -2}, two);
    check_golden(std::deque<std::int16_t>{1, -2}, two);
    check_golden(std::list<std::int16_t>{1, -2}, two);
    check_golden(std::forward_list<std::int16_t>{1, -2}, two);
    check_golden(std::array<std::int16_t, 2>{1, -2}, two);
    check_golden(std::valarray<std::int16_t>{1, -2}, two);
    check_golden(std::multiset<std::int16_t, std::greater<>>{1, -2}, two);
    check_golden(std::set<std::int16_t, std::greater<>>{1, -2}, two);
    check_golden(std::unordered_set<std::int16_t>{7}, "41 12 01000000 0700");
    check_golden(std::unordered_multiset<std::int16_t>{7}, "41 12 01000000 0700");
    check_golden(std::stack<std::int16_t>({1, -2}), two);
    check_golden(std::queue<std::int16_t>({1, -2}), two);
    check_golden(std::priority_queue<std::int16_t>({}, {1, -2}), two);
    check_golden(std::vector<bool>{true, false}, "41 01 02000000 01 00");
    check_golden(std::u16string(u"A"), "41 22 01000000 4100");
    check_golden(std::vector<std::int16_t>{}, "41 12 00000000");
}

TEST_CASE("golden bytes: lists of lists, of bytes, of records") {
    check_golden(std::vector<std::vector<std::int8_t>>{{1}, {}},
                 "41 41 02000000  11 01000000 01  11 00000000");
    check_golden(std::vector<std::string>{"a", ""}, "41 40 02000000 01000000 61 00000000");
    check_golden(std::vector<nothing>(2), "41 46 02000000 00000000 00000000");
    check_golden(std::vector<std::optional<bool>>{{}, true}, "41 43 02000000 00 01 01 01");
}

TEST_CASE("golden bytes: a map is both kinds, a count, and its items") {
    const auto* one = "42 11 40 01000000 05 01000000 61";
    check_golden(std::map<std::int8_t, std::string>{{5, "a"}}, one);
    check_golden(std::multimap<std::int8_t, std::string>{{5, "a"}}, one);
    check_golden(std::unordered_map<std::int8_t, std::string>{{5, "a"}}, one);
    check_golden(std::unordered_multimap<std::int8_t, std::string>{{5, "a"}}, one);
    check_golden(std::map<bool, bool>{}, "42 01 01 00000000");
}

TEST_CASE("golden bytes: optionals and owning pointers look alike") {
    check_golden(std::optional<std::int8_t>{}, "43 00");
    check_golden(std::optional<std::int8_t>{4}, "43 01 11 04");
    check_golden(std::unique_ptr<std::int8_t>(), "43 00");
    CHECK(to_hex(encoded(std::make_unique<std::int8_t>(std::int8_t{4}))) == "43011104");
    CHECK(*remora::decode<std::unique_ptr<std::int8_t>>(from_hex("43 01 11 04")) == 4);
}

TEST_CASE("golden bytes: a variant is the alternative's number and the alternative") {
    using choice = std::variant<std::monostate, std::int8_t, std::string>;
    check_golden(choice{}, "44 00 46 00000000");
    check_golden(choice{std::int8_t{3}}, "44 01 11 03");
    check_golden(choice{"x"}, "44 02 40 01000000 78");
}

TEST_CASE("golden bytes: tuples, pairs and complex numbers are a count and their elements") {
    check_golden(std::tuple<bool, std::int8_t, std::string>{true, 2, "c"},
                 "45 03 01 01 11 02 40 01000000 63");
    check_golden(std::tuple<>{}, "45 00");
    check_golden(std::pair<bool, std::int8_t>{true, 2}, "45 02 01 01 11 02");
    check_golden(std::complex<float>{1.5f, 0}, "45 02 34 0000c03f 34 00000000");
}

TEST_CASE("golden bytes: a bit set is bytes, the first bit the lowest of the first byte") {
    check_golden(std::bitset<9>{0x105}, "40 02000000 05 01");
    check_golden(std::bitset<8>{0x80}, "40 01000000 80");
    check_golden(std::bitset<0>{}, "40 00000000");
}

TEST_CASE("golden bytes: a duration is its unit and its number") {
    using rep = std::int32_t;
    using std::chrono::duration;
    check_golden(duration<rep, std::nano>(-1), "47 01 14 ffffffff");
    check_golden(duration<rep, std::micro>(1), "47 02 14 01000000");
    check_golden(duration<rep, std::milli>(1), "47 03 14 01000000");
    check_golden(duration<rep>(1), "47 04 14 01000000");
    check_golden(duration<rep, std::ratio<60>>(1), "47 05 14 01000000");
    check_golden(duration<rep, std::ratio<3600>>(1), "47 06 14 01000000");
    check_golden(duration<rep, std::ratio<86400>>(1), "47 07 14 01000000");
    check_golden(duration<rep, std::ratio<604800>>(1), "47 08 14 01000000");
    check_golden(duration<rep, std::ratio<2629746>>(1), "47 09 14 01000000");
    check_golden(duration<rep, std::ratio<31556952>>(1), "47 0a 14 01000000");
    check_golden(duration<rep, std::ratio<2, 50>>(1),
                 "47 00 0100000000000000 1900000000000000 14 01000000");
    check_golden(std::chrono::hours(2), "47 06 18 0200000000000000");
}

TEST_CASE("golden bytes: a point in time is its clock and a duration") {
    using std::chrono::seconds;
    auto at = [](auto clock) {
        return std::chrono::time_point<decltype(clock), seconds>(seconds(1));
    };
    struct own_clock {};
    check_golden(at(std::chrono::system_clock()), "49 01 04 18 0100000000000000");
    check_golden(at(std::chrono::steady_clock()), "49 02 04 18 0100000000000000");
    check_golden(at(std::chrono::local_t()), "49 06 04 18 0100000000000000");
    check_golden(at(own_clock()), "49 00 04 18 0100000000000000");
}

TEST_CASE("golden bytes: a record is its length and its fields, each with its kind") {
    check_golden(golden_question{5, 4, "+"}, "46 10000000 14 05000000 14 04000000 40 01000000 2b");
    check_golden(nothing{}, "46 00000000");
    check_golden(std::optional<nothing>(nothing{}), "43 01 46 00000000");
}

TEST_CASE("golden bytes: a versioned record begins with its version") {
    check_golden(versioned{3}, "46 07000000 48 07000000 11 03");
    check_golden(std::vector<versioned>{{1}, {2}},
                 "41 46 02000000 07000000 48 07000000 11 01 07000000 48 07000000 11 02");
}

TEST_CASE("golden bytes: a base class is a record within the record") {
    derived value;
    value.flag = true;
    value.own = 9;
    check_golden(value, "46 09000000 46 02000000 01 01 21 09");
}

TEST_CASE("golden bytes: a class with a minimal form is that form") {
    check_golden(celsius{1.5f}, "34 0000c03f");
    check_golden(std::vector<celsius>{{1.5f}}, "41 34 01000000 0000c03f");
    check_golden(versioned_minimal{3}, "46 07000000 48 02000000 11 03");
}

TEST_CASE("golden bytes: size tags are u64, binary data bytes, map items pairs") {
    check_golden(own_row{{1, 2}}, "46 12000000 28 0200000000000000 40 04000000 0100 0200");
    check_golden(own_map_item{1, 2}, "46 06000000 45 02 11 01 11 02");
}
