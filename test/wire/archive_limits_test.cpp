// SPDX-License-Identifier: MIT
/// The limits of size, memory and depth, of writers and of readers.
#include "wire/archive_support.hpp"
#include "wire/archive_values.hpp"

namespace {

using remora::errc;
using test::bytes;
using test::code;
using test::decode_failure;
using test::encoded;
using test::failure;
using test::from_hex;
using test::old_question;
using test::record_of;

struct chain {
    std::unique_ptr<chain> next;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(next);
    }
};

chain make_chain(int length) {
    chain head;
    for (int i = 1; i < length; ++i) {
        auto node = std::make_unique<chain>();
        node->next = std::move(head.next);
        head.next = std::move(node);
    }
    return head;
}

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

}  // namespace

TEST_CASE("a value larger than the limit fails at the sender, who may go on") {
    remora::byte_buffer out;
    remora::encode(out, std::string(100, 'x'), {.size = 105});
    auto f = test::failure_of([&] { remora::encode(out, std::string(101, 'x'), {.size = 105}); });
    CHECK(f.code == code(errc::message_too_large));
    CHECK(f.has("at least 106 bytes, the limit is 105"));
    CHECK(out.size() == 105);
    out.reserve(10000);
    f = test::failure_of([&] { remora::encode(out, std::string(101, 'x'), {.size = 105}); });
    CHECK(f.code == code(errc::message_too_large));
    remora::encode(out, std::string(1000, 'x'));
    CHECK(out.size() == 105 + 1005);
}

TEST_CASE("a value nested more deeply than the limit fails at the sender") {
    CHECK(encoded(make_chain(256)).size() > 256);
    CHECK(test::failure_of([] { encoded(make_chain(257)); }).code == code(errc::too_deep));
    remora::byte_buffer out;
    remora::encode(out, make_chain(257), {.depth = 257});
    CHECK(!out.empty());
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
    CHECK(refused(decode_failure<old_question>(from_hex("46 ffffffff 14"))));
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
    CHECK(test::failure_of([&] {
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
    auto f =
        test::failure_of([&] { remora::decode(from_hex("43 01 46 00000000"), pointer, tight); });
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
    std::vector<old_question> questions(5000, {1, 2, "longer than what a string holds in itself"});
    CHECK(remora::decode<std::vector<old_question>>(encoded(questions), {.memory = 0}).size() ==
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
