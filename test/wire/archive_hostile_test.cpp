// SPDX-License-Identifier: MIT
/// Bytes that no honest sender has made: whatever they are, decoding ends soon, with a clear error
/// or a value, and within its budget.
#include <random>

#include "wire/archive_support.hpp"

namespace {

using remora::errc;
using test::bytes;
using test::code;
using test::decode_failure;
using test::encoded;
using test::failure;
using test::failure_of;
using test::from_hex;

struct claimed_question {
    int a = 0, b = 0;
    std::string op;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(a, b, op);
    }
};

/// Numbers, one behind the other.
struct triple {
    int a = 0;
    double b = 0;
    std::uint16_t c = 0;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(a, b, c);
    }
};

struct claimed_nothing {};

struct deep_tree {
    std::vector<deep_tree> children;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(children);
    }
};

struct endless_chain {
    std::unique_ptr<endless_chain> next;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(next);
    }
};

/// Five bytes on the wire, four kilobytes in memory.
struct heavy_element {
    int id = 0;
    std::array<char, 4096> note{};
    template <class Archive>
    void serialize(Archive& ar) {
        ar(id, note);
    }
};

struct with_deques {
    std::deque<int> one;
    std::pair<int, std::queue<int>> two;
    std::array<std::stack<int>, 2> three;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(one, two, three);
    }
};

/// A container of its user's, who resizes it to what the size tag says.
struct trusting {
    std::vector<double> items;
    template <class Archive>
    void load(Archive& ar) {
        cereal::size_type size = 0;
        ar(cereal::make_size_tag(size));
        items.resize(size);
        for (double& item : items)
            ar(item);
    }
};

struct kitchen_sink {
    claimed_question record;
    std::vector<claimed_question> list = {{1, 2, "+"}, {3, 4, "minus"}};
    std::map<std::string, std::vector<int>> map = {{"a", {1, 2}}, {"b", {}}};
    std::optional<std::string> optional = "present";
    std::variant<std::monostate, int, claimed_question> variant = claimed_question{5, 6, "*"};
    std::unique_ptr<claimed_question> pointer = std::make_unique<claimed_question>();
    std::tuple<bool, char, double> tuple{true, 'c', 2.5};
    std::bitset<13> bits{0x1555};
    std::chrono::milliseconds time{99};
    std::set<std::string> set = {"x", "yy"};
    std::array<short, 3> array = {1, 2, 3};
    std::vector<bool> flags = {true, false, true};
    std::vector<std::list<std::deque<std::string>>> nested = {{{"deep"}}};
    std::valarray<float> valarray = {1, 2};
    std::unordered_map<int, std::optional<int>> unordered = {{1, 2}, {3, {}}};
    std::priority_queue<int> queue{{}, {3, 1, 2}};
    template <class Archive>
    void serialize(Archive& ar) {
        ar(record, list, map, optional, variant, pointer, tuple, bits, time, set, array, flags,
           nested, valarray, unordered, queue);
    }
};

/// A record's bytes around others.
bytes record_of(const bytes& body) {
    bytes out(5);
    out[0] = std::byte{0x46};
    auto length = static_cast<std::uint32_t>(body.size());
    std::memcpy(&out[1], &length, 4);
    out.insert(out.end(), body.begin(), body.end());
    return out;
}

/// `levels` records, each in an optional or in a list of one within the one before.
bytes nested_records(int levels, const bytes& between) {
    bytes out = record_of({});
    while (--levels > 0) {
        bytes body = between;
        // Elements of a list and of an optional of known kind: the record's own kind byte is there
        // already for an optional, and in the head of the list.
        body.insert(body.end(), out.begin() + 1, out.end());
        out = record_of(body);
    }
    return out;
}

bool is_decoding_error(const std::error_code& c) {
    return c == errc::field_mismatch || c == errc::truncated || c == errc::bad_value ||
           c == errc::over_budget || c == errc::too_deep;
}

}  // namespace

TEST_CASE("a message cut anywhere is truncated") {
    auto check_cuts = []<class T>(const T& value) {
        auto whole = encoded(value);
        for (std::size_t n = 0; n < whole.size(); ++n) {
            auto f = decode_failure<T>(bytes(whole.begin(), whole.begin() + static_cast<long>(n)));
            CHECK_MESSAGE(f.code == code(errc::truncated), "cut at " << n << ": " << f.text);
        }
    };
    check_cuts(kitchen_sink{});
    check_cuts(std::vector<std::string>{"one", "two"});
    check_cuts(std::map<int, claimed_question>{{1, {1, 2, "+"}}});
    check_cuts(3.5);
}

TEST_CASE("a record cut between two fields has fewer fields, anywhere else it is truncated") {
    auto whole = encoded(claimed_question{5, 4, "plus"});
    bytes body(whole.begin() + 5, whole.end());
    for (std::size_t n = 0; n < body.size(); ++n) {
        auto cut = record_of(bytes(body.begin(), body.begin() + static_cast<long>(n)));
        auto f = decode_failure<claimed_question>(cut);
        if (n == 0 || n == 5 || n == 10)
            CHECK_MESSAGE(!f.code, "cut at " << n << ": " << f.text);
        else
            CHECK_MESSAGE(f.code == code(errc::truncated), "cut at " << n << ": " << f.text);
    }
}

TEST_CASE("in a row of numbers each field may be missing, cut or of another kind") {
    const auto body = from_hex("14 01000000 38 0000000000000040 22 0300");
    for (std::size_t n = 0; n <= body.size(); ++n) {
        triple into{7, 7, 7};
        const auto cut = record_of(bytes(body.begin(), body.begin() + static_cast<long>(n)));
        auto f = failure_of([&] { remora::decode(cut, into); });
        const bool whole = n == 0 || n == 5 || n == 14 || n == 17;
        CHECK_MESSAGE(f.code == (whole ? std::error_code() : code(errc::truncated)),
                      "cut at " << n);
        if (whole) CHECK(into.a + into.b + into.c == (n < 5 ? 21 : n < 14 ? 15 : n < 17 ? 10 : 6));
    }
    auto f = decode_failure<triple>(record_of(from_hex("14 01000000 34 00000040 22 0300 0000")));
    CHECK(f.has("triple, field 2, at byte 10: f64 expected, f32 found"));
}

TEST_CASE("counts that the bytes cannot hold are refused before anything is made") {
    auto refused = [](const failure& f) { return f.code == code(errc::truncated); };
    CHECK(refused(decode_failure<std::vector<int>>(from_hex("41 14 00000010 00000000"))));
    CHECK(refused(decode_failure<std::vector<double>>(from_hex("41 38 ffffffff 0000"))));
    CHECK(refused(decode_failure<std::string>(from_hex("40 ffffffff 61"))));
    CHECK(refused(decode_failure<std::list<int>>(from_hex("41 14 ffffffff 00000000"))));
    CHECK(
        refused(decode_failure<std::vector<claimed_nothing>>(from_hex("41 46 ffffffff 00000000"))));
    CHECK(refused(decode_failure<std::map<int, int>>(from_hex("42 14 14 ffffffff 00000000"))));
    CHECK(
        refused(decode_failure<std::vector<std::optional<int>>>(from_hex("41 43 03000000 0000"))));
    CHECK(refused(decode_failure<claimed_question>(from_hex("46 ffffffff 14"))));
    CHECK(refused(decode_failure<std::bitset<8>>(from_hex("40 ffffffff 00"))));
    auto f = decode_failure<std::string>(from_hex("40 ffffffff 61"));
    CHECK(f.has("at byte 5: 4294967295 elements or bytes announced, 1 bytes left"));
}

TEST_CASE("a size tag beyond the bytes is refused before its user resizes by it") {
    for (auto* size : {"ffffffffffffffff", "0000000000000020", "0000001000000000"}) {
        auto f = decode_failure<trusting>(record_of(from_hex("28 " + std::string(size))));
        CHECK(f.code == code(errc::truncated));
        CHECK(f.has("field 1"));
    }
}

TEST_CASE("small elements that are large in memory meet the budget before they are made") {
    bytes body = from_hex("41 46 00000100");  // 65536 empty records
    body.resize(body.size() + 4 * 65536);
    auto f = decode_failure<std::vector<heavy_element>>(body);
    CHECK(f.code == code(errc::over_budget));
    CHECK(f.has("67108864 bytes"));
    CHECK(failure_of([&] {
              remora::decode<std::vector<heavy_element>>(body, {.memory = std::size_t{1} << 30});
          }).code.value() == 0);
}

TEST_CASE("every element, node, string and pointee counts against the budget") {
    remora::decode_limits tight{.memory = 100};
    auto refused = [&]<class T>(const T& value) {
        auto f = decode_failure<T>(encoded(value), tight);
        return f.code == code(errc::over_budget);
    };
    CHECK(refused(std::vector<claimed_nothing>(500)) == false);  // 2 KiB: the budget is 8 KiB
    CHECK(refused(std::list<char>(50)));
    CHECK(refused(std::forward_list<char>(50)));
    CHECK(refused(std::set<std::int8_t>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
    CHECK(refused(std::map<std::int8_t, bool>{{1, true}, {2, true}, {3, true}, {4, true}}));
    CHECK(refused(std::vector<std::optional<heavy_element>>(1)));
    CHECK(refused(std::vector<std::deque<int>>(1)));
    CHECK(refused(std::make_unique<std::array<double, 100>>()) == false);  // 805 bytes
    std::unique_ptr<heavy_element> pointer;
    auto f = failure_of([&] { remora::decode(from_hex("43 01 46 00000000"), pointer, tight); });
    CHECK(f.code == code(errc::over_budget));
}

TEST_CASE("deques in records without bytes count against the budget") {
    bytes body = from_hex("41 46 400d0300");
    body.resize(body.size() + 4 * 200000);
    auto f = decode_failure<std::vector<with_deques>>(body);
    CHECK(f.code == code(errc::over_budget));
}

TEST_CASE("an honest message of plain elements never meets the budget") {
    std::string large(200000, 'x');
    CHECK(remora::decode<std::string>(encoded(large), {.memory = 0}) == large);
    std::vector<double> numbers(50000, 1.5);
    CHECK(remora::decode<std::vector<double>>(encoded(numbers), {.memory = 0}) == numbers);
    std::vector<claimed_question> questions(5000,
                                            {1, 2, "longer than what a string holds in itself"});
    CHECK(remora::decode<std::vector<claimed_question>>(encoded(questions), {.memory = 0}).size() ==
          5000);
}

TEST_CASE("nesting ends at the depth limit") {
    auto optional = from_hex("43 01 46");
    auto list = from_hex("41 46 01000000");
    CHECK(!decode_failure<endless_chain>(nested_records(256, optional)).code);
    CHECK(decode_failure<endless_chain>(nested_records(257, optional)).code ==
          code(errc::too_deep));
    CHECK(!decode_failure<deep_tree>(nested_records(256, list)).code);
    auto f = decode_failure<deep_tree>(nested_records(257, list));
    CHECK(f.code == code(errc::too_deep));
    CHECK(f.has("256 records"));
    CHECK(!decode_failure<deep_tree>(nested_records(300, list), {.depth = 300}).code);
    CHECK(decode_failure<deep_tree>(nested_records(2, list), {.depth = 1}).code ==
          code(errc::too_deep));
}

TEST_CASE("two hundred thousand levels do not reach the end of the stack") {
    bytes hostile = from_hex("46 00c0ff00");
    for (int i = 0; i < 200000; ++i) {
        auto level = from_hex("43 01 46 00100000");
        auto length = static_cast<std::uint32_t>((200000 - i - 1) * 7);
        std::memcpy(&level[3], &length, 4);
        hostile.insert(hostile.end(), level.begin(), level.end());
    }
    auto length = static_cast<std::uint32_t>(hostile.size() - 5);
    std::memcpy(&hostile[1], &length, 4);
    CHECK(decode_failure<endless_chain>(hostile).code == code(errc::too_deep));
}

TEST_CASE("no bytes at all are truncated") {
    CHECK(decode_failure<claimed_question>({}).code == code(errc::truncated));
    CHECK(decode_failure<int>({}).code == code(errc::truncated));
}

TEST_CASE("a version cut in the middle is truncated") {
    CHECK(decode_failure<claimed_question>(from_hex("46 03000000 48 0100")).code ==
          code(errc::truncated));
}

TEST_CASE("corrupt bytes give an error or a value, never anything else") {
    std::mt19937 random(20240229);
    const auto whole = encoded(kitchen_sink{});
    auto pick = [&](std::size_t n) { return random() % n; };
    int errors = 0;
    for (int i = 0; i < 100000; ++i) {
        auto bad = whole;
        for (auto n = 1 + pick(4); n > 0; --n)
            bad[pick(bad.size())] = static_cast<std::byte>(pick(4) == 0 ? pick(256) : pick(0x49));
        if (pick(8) == 0) bad.resize(pick(bad.size()));
        kitchen_sink into;
        auto f = failure_of([&] { remora::decode(bad, into, {.memory = 1 << 20}); });
        if (f.code) {
            ++errors;
            REQUIRE_MESSAGE(is_decoding_error(f.code), f.text);
        }
        into = kitchen_sink();
    }
    CHECK(errors > 50000);
}

TEST_CASE("random bytes behind a good head give an error or a value") {
    std::mt19937 random(7);
    for (int i = 0; i < 50000; ++i) {
        bytes body(random() % 64);
        for (auto& b : body)
            b = static_cast<std::byte>(random() % 3 == 0 ? random() % 256 : random() % 0x49);
        auto f = decode_failure<kitchen_sink>(record_of(body), {.memory = 1 << 20});
        if (f.code) REQUIRE_MESSAGE(is_decoding_error(f.code), f.text);
    }
}
