// SPDX-License-Identifier: MIT
#include <cereal/types/functional.hpp>
#include <cereal/types/memory.hpp>
#include <cereal/types/polymorphic.hpp>
#include <cereal/types/variant.hpp>
#include <cereal/types/vector.hpp>
#include <numeric>
#include <stdexcept>
#include <valarray>

#include "wire/archive_support.hpp"

namespace {

using remora::errc;
using test::code;
using test::decode_failure;
using test::encoded;
using test::failure_of;
using test::from_hex;
using test::read_as;
using test::read_failure;
using test::round_trip;
using test::to_hex;

struct old_question {
    int a = 0, b = 0;
    std::string op;
    bool operator==(const old_question&) const = default;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(a, b, op);
    }
};

class secret {
public:
    explicit secret(int value) : value_(value) {}
    int value() const { return value_; }

private:
    friend class cereal::access;
    secret() = default;
    template <class Archive>
    void save(Archive& ar) const {
        ar(value_);
    }
    template <class Archive>
    void load(Archive& ar) {
        ar(value_);
    }
    int value_ = 0;
};

struct named {
    int first = 0, second = 0;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(CEREAL_NVP(first), cereal::make_nvp("other", second));
    }
};

struct deferring {
    int first = 0, second = 0;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(cereal::defer(first), second);
        ar.serializeDeferments();
    }
};

struct operators {
    int first = 0, second = 0;
    template <class Archive>
    void save(Archive& ar) const {
        ar << first << second;
    }
    template <class Archive>
    void load(Archive& ar) {
        ar >> first& second;
    }
};

struct directions {
    bool saved = false, loaded = false;
    template <class Archive>
    void serialize(Archive& ar) {
        saved = saved || Archive::is_saving::value;
        loaded = Archive::is_loading::value;
        ar(saved);
    }
};

struct chosen_parent {
    int value = 0;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(value);
    }
};
struct chosen : chosen_parent {
    template <class Archive>
    void save(Archive& ar) const {
        ar(value + 1);
    }
    template <class Archive>
    void load(Archive& ar) {
        ar(value);
    }
};

struct fixed_at_birth {
    const int value;
    std::string note;
    explicit fixed_at_birth(int v) : value(v) { ++alive; }
    fixed_at_birth(const fixed_at_birth&) = delete;
    ~fixed_at_birth() { --alive; }
    template <class Archive>
    void save(Archive& ar) const {
        ar(value, note);
    }
    template <class Archive>
    static void load_and_construct(Archive& ar, cereal::construct<fixed_at_birth>& construct) {
        int v = 0;
        ar(v);
        if (v >= 0) construct(v);
        if (v >= 0) ar(construct->note);
    }
    static inline int alive = 0;
};

struct versioned_birth {
    int value;
    std::uint32_t version;
    versioned_birth(int v, std::uint32_t n) : value(v), version(n) {}
    template <class Archive>
    void serialize(Archive& ar, std::uint32_t) {
        ar(value);
    }
    template <class Archive>
    static void load_and_construct(Archive& ar, cereal::construct<versioned_birth>& construct,
                                   std::uint32_t version) {
        int v = 0;
        ar(v);
        construct(v, version);
    }
};

struct shape {
    virtual ~shape() = default;
    int sides = 0;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(sides);
    }
};
struct left_shape : virtual shape {
    template <class Archive>
    void serialize(Archive& ar) {
        ar(cereal::virtual_base_class<shape>(this));
    }
};
struct right_shape : virtual shape {
    template <class Archive>
    void serialize(Archive& ar) {
        ar(cereal::virtual_base_class<shape>(this));
    }
};
struct diamond : left_shape, right_shape {
    int own = 0;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(cereal::virtual_base_class<left_shape>(this),
           cereal::virtual_base_class<right_shape>(this), own);
    }
};

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

struct throwing {
    std::string how;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(how);
        if (how == "runtime") throw std::runtime_error("mine");
        if (how == "cereal" && Archive::is_loading::value) throw cereal::Exception("not so");
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

struct around {
    old_question inside;
    bool flag = false;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(inside, flag);
    }
};

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

/// Versioned, in each of the remaining ways.
struct split_versioned {
    int value = 0;
    std::uint32_t version = 0;
    template <class Archive>
    void save(Archive& ar, std::uint32_t) const {
        ar(value);
    }
    template <class Archive>
    void load(Archive& ar, std::uint32_t from) {
        ar(value);
        version = from;
    }
};

struct inherits_all : old_question {};

/// Made by a specialization of cereal::LoadAndConstruct below.
struct made_outside {
    int value;
    explicit made_outside(int v) : value(v) {}
    template <class Archive>
    void serialize(Archive& ar) {
        ar(value);
    }
};

template <class T>
struct plain_delete {
    void operator()(const T* p) const { delete p; }
};

/// Of a third party, with functions that a user has put into namespace cereal.
struct foreign {
    int value = 0;
};

}  // namespace

namespace outside {
struct point {
    int x = 0, y = 0;
};
template <class Archive>
void serialize(Archive& ar, point& p) {
    ar(p.x, p.y);
}
struct line {
    int from = 0, to = 0;
};
template <class Archive>
void save(Archive& ar, const line& l) {
    ar(l.from, l.to);
}
template <class Archive>
void load(Archive& ar, line& l) {
    ar(l.from, l.to);
}
struct metres {
    double value = 0;
};
template <class Archive>
double save_minimal(const Archive&, const metres& m) {
    return m.value;
}
template <class Archive>
void load_minimal(const Archive&, metres& m, const double& value) {
    m.value = value;
}
struct dated {
    int value = 0;
    std::uint32_t version = 0;
};
template <class Archive>
void serialize(Archive& ar, dated& d, std::uint32_t version) {
    ar(d.value);
    d.version = version;
}
struct split_dated {
    int value = 0;
    std::uint32_t version = 0;
};
template <class Archive>
void save(Archive& ar, const split_dated& d, std::uint32_t) {
    ar(d.value);
}
template <class Archive>
void load(Archive& ar, split_dated& d, std::uint32_t version) {
    ar(d.value);
    d.version = version;
}
struct dated_metres {
    double value = 0;
    std::uint32_t version = 0;
};
template <class Archive>
double save_minimal(const Archive&, const dated_metres& m, std::uint32_t) {
    return m.value;
}
template <class Archive>
void load_minimal(const Archive&, dated_metres& m, const double& value, std::uint32_t version) {
    m.value = value;
    m.version = version;
}
}  // namespace outside

namespace cereal {
template <class Archive>
void serialize(Archive& ar, foreign& f) {
    ar(f.value);
}
template <class Archive>
struct specialize<Archive, chosen, specialization::member_load_save> {};
template <>
struct LoadAndConstruct<made_outside> {
    template <class Archive>
    static void load_and_construct(Archive& ar, construct<made_outside>& construct) {
        int value = 0;
        ar(value);
        construct(value);
    }
};
}  // namespace cereal

CEREAL_CLASS_VERSION(versioned_birth, 5)
CEREAL_CLASS_VERSION(outside::dated, 3)
CEREAL_CLASS_VERSION(outside::split_dated, 3)
CEREAL_CLASS_VERSION(outside::dated_metres, 3)
CEREAL_CLASS_VERSION(split_versioned, 3)

TEST_CASE("a class with member serialize comes back as it was") {
    old_question q{5, -4, "+"};
    CHECK(round_trip(q) == q);
    CHECK(read_as<std::vector<old_question>>(std::list<old_question>{q, q}) == std::vector{q, q});
}

TEST_CASE("private save and load are reached through cereal::access") {
    auto pointer = round_trip(std::make_unique<secret>(7));
    CHECK(pointer->value() == 7);
}

TEST_CASE("free serialize, save and load, and minimal functions make the same records") {
    CHECK(to_hex(encoded(outside::point{1, 2})) == to_hex(encoded(outside::line{1, 2})));
    CHECK(round_trip(outside::point{1, 2}).y == 2);
    CHECK(round_trip(outside::line{1, 2}).to == 2);
    CHECK(round_trip(outside::metres{2.5}).value == 2.5);
    CHECK(to_hex(encoded(outside::metres{2.5})) == to_hex(encoded(2.5)));
}

TEST_CASE("functions in namespace cereal speak for types of a third party") {
    CHECK(round_trip(foreign{3}).value == 3);
}

TEST_CASE("cereal::specialize chooses between two ways") {
    chosen value;
    value.value = 4;
    CHECK(round_trip(value).value == 5);
}

TEST_CASE("names of fields do not travel") {
    CHECK(to_hex(encoded(named{1, 2})) == to_hex(encoded(outside::point{1, 2})));
    CHECK(round_trip(named{1, 2}).second == 2);
}

TEST_CASE("deferred fields travel where they stand") {
    CHECK(to_hex(encoded(deferring{1, 2})) == to_hex(encoded(outside::point{1, 2})));
    CHECK(round_trip(deferring{1, 2}).first == 1);
}

TEST_CASE("the archives' operators do what calling them does") {
    CHECK(to_hex(encoded(operators{1, 2})) == to_hex(encoded(outside::point{1, 2})));
    CHECK(round_trip(operators{1, 2}).second == 2);
}

TEST_CASE("an archive tells the direction") {
    auto back = round_trip(directions{});
    CHECK(back.saved);
    CHECK(back.loaded);
}

TEST_CASE("load_and_construct makes what has no default constructor") {
    auto sent = std::make_unique<fixed_at_birth>(8);
    sent->note = "eight";
    auto back = round_trip(sent);
    CHECK(back->value == 8);
    CHECK(back->note == "eight");
    auto versioned = round_trip(std::make_unique<versioned_birth>(9, 0u));
    CHECK(versioned->value == 9);
    CHECK(versioned->version == 5);
    CHECK(round_trip(std::make_unique<made_outside>(6))->value == 6);
}

TEST_CASE("an object whose load_and_construct fails is destroyed if it was made") {
    auto good = encoded(std::make_unique<fixed_at_birth>(8));
    good[good.size() - 5] = std::byte{0x14};  // the note's kind
    using pointer = std::unique_ptr<fixed_at_birth>;
    CHECK(decode_failure<pointer>(good).code == code(errc::field_mismatch));
    CHECK(read_failure<pointer>(std::make_unique<fixed_at_birth>(-1)).code ==
          code(errc::bad_value));
    CHECK(fixed_at_birth::alive == 0);
}

TEST_CASE("functions of every sort get the version of the sender's class") {
    CHECK(round_trip(outside::dated{1, 0}).version == 3);
    CHECK(round_trip(outside::split_dated{1, 0}).version == 3);
    CHECK(round_trip(outside::dated_metres{1, 0}).version == 3);
    CHECK(round_trip(split_versioned{1, 0}).version == 3);
    CHECK(to_hex(encoded(outside::dated{1, 0})) == to_hex(encoded(split_versioned{1, 0})));
}

TEST_CASE("a class that inherits its functions is one record") {
    inherits_all value;
    value.op = "+";
    CHECK(round_trip(value).op == "+");
    CHECK(to_hex(encoded(value)) == to_hex(encoded(old_question{0, 0, "+"})));
}

TEST_CASE("owning pointers may have their own deleter, and point to constants") {
    std::unique_ptr<const int, plain_delete<int>> pointer(new int(5));
    CHECK(*round_trip(pointer) == 5);
}

TEST_CASE("virtual bases come back, though each path to them carries them") {
    diamond value;
    value.sides = 4;
    value.own = 5;
    auto back = round_trip(value);
    CHECK(back.sides == 4);
    CHECK(back.own == 5);
}

TEST_CASE("Cereal's functions for a container serve a class derived from it") {
    inherits_vector value;
    value.assign({1, 2, 3});
    CHECK(round_trip(value) == value);
}

TEST_CASE("an empty class needs no function") {
    CHECK(to_hex(encoded(std::less<int>())) == "4600000000");
    CHECK(round_trip(std::variant<std::monostate, int>()).index() == 0);
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

TEST_CASE("encoding appends, and takes back what it wrote when it fails") {
    remora::byte_buffer out;
    remora::encode(out, std::int8_t{1});
    CHECK_THROWS_WITH(remora::encode(out, throwing{"runtime"}), "mine");
    CHECK(out.size() == 2);
    remora::encode(out, std::int8_t{2});
    CHECK(to_hex({out.data(), out.data() + out.size()}) == "11011102");
}

TEST_CASE("a value larger than the limit fails at the sender, who may go on") {
    remora::byte_buffer out;
    remora::encode(out, std::string(100, 'x'), {.size = 105});
    auto f = failure_of([&] { remora::encode(out, std::string(101, 'x'), {.size = 105}); });
    CHECK(f.code == code(errc::message_too_large));
    CHECK(f.has("at least 106 bytes, the limit is 105"));
    CHECK(out.size() == 105);
    out.reserve(10000);
    f = failure_of([&] { remora::encode(out, std::string(101, 'x'), {.size = 105}); });
    CHECK(f.code == code(errc::message_too_large));
    remora::encode(out, std::string(1000, 'x'));
    CHECK(out.size() == 105 + 1005);
}

TEST_CASE("a value nested more deeply than the limit fails at the sender") {
    CHECK(encoded(make_chain(256)).size() > 256);
    CHECK(failure_of([] { encoded(make_chain(257)); }).code == code(errc::too_deep));
    remora::byte_buffer out;
    remora::encode(out, make_chain(257), {.depth = 257});
    CHECK(!out.empty());
}

// Out of line: g++ 13 takes what it would see for uninitialised.
[[gnu::noinline]] void take_value_from(std::variant<int, fixed_at_birth>& one) {
    struct bomb {
        operator int() const { throw 1; }
    };
    try {
        one.emplace<1>(bomb());
    } catch (int) {
    }
}

TEST_CASE("a variant that has lost its value cannot be sent") {
    std::variant<int, fixed_at_birth> none;
    take_value_from(none);
    REQUIRE(none.valueless_by_exception());
    CHECK(failure_of([&] { encoded(none); }).code == code(errc::bad_value));
}

TEST_CASE("what a user's function throws while reading comes through") {
    auto bytes = encoded(std::pair<std::string, int>("runtime", 1));
    auto record = from_hex("46 0c000000 40 07000000 72756e74696d65");
    CHECK_THROWS_WITH(remora::decode<throwing>(record), "mine");
    auto f = read_failure<throwing>(throwing{"cereal"});
    CHECK(f.code == code(errc::bad_value));
    CHECK(f.has("not so"));
}

TEST_CASE("a field of another kind is an error with type, field, offset and both kinds") {
    auto f = read_failure<old_question>(outside::point{1, 2});
    CHECK(f.code.value() == 0);
    f = decode_failure<old_question>(from_hex("46 0f000000 14 05000000 18 0400000000000000 00"));
    CHECK(f.code == code(errc::field_mismatch));
    CHECK(f.has("old_question, field 2, at byte 10: i32 expected, i64 found"));
    f = decode_failure<outer>(from_hex("46 05000000 14 01000000 41 99 00000000"));
    CHECK(f.code == code(errc::bad_value));  // the record ends before
    f = decode_failure<outer>(from_hex("46 0b000000 14 01000000 41 99 00000000"));
    CHECK(f.has("outer, field 2, at byte 11: record expected, kind 0x99 found"));
}

TEST_CASE("a mismatch deep inside names the innermost record") {
    auto bytes = encoded(outer{1, {{{1, 2}, true}}});
    bytes[bytes.size() - 2] = std::byte{0x21};
    auto f = decode_failure<outer>(bytes);
    CHECK(f.code == code(errc::field_mismatch));
    CHECK(f.has("inner, field 2, at byte 34: bool expected, u8 found"));
}

TEST_CASE("after a record has been read errors speak of the record around it") {
    auto bytes = encoded(around{{1, 2, "+"}, true});
    bytes.back() = std::byte{2};
    auto f = decode_failure<around>(bytes);
    CHECK(f.code == code(errc::bad_value));
    CHECK(f.has("around, field 2, at byte 28: a bool is 0 or 1"));
}

TEST_CASE("every other kind at the top is refused too") {
    CHECK(read_failure<std::int64_t>(std::int32_t{1}).code == code(errc::field_mismatch));
    CHECK(read_failure<std::uint32_t>(std::int32_t{1}).code == code(errc::field_mismatch));
    CHECK(read_failure<float>(1.0).code == code(errc::field_mismatch));
    CHECK(read_failure<std::vector<int>>(std::string("text")).code == code(errc::field_mismatch));
    CHECK(read_failure<std::vector<int>>(std::vector<short>{1}).code == code(errc::field_mismatch));
    CHECK(read_failure<std::vector<int>>(std::vector<short>{}).code == code(errc::field_mismatch));
    CHECK(read_failure<std::map<int, int>>(std::map<int, char>{}).code ==
          code(errc::field_mismatch));
    CHECK(read_failure<std::optional<int>>(std::optional<char>('x')).code ==
          code(errc::field_mismatch));
    CHECK(read_failure<old_question>(std::pair<int, int>(1, 2)).code == code(errc::field_mismatch));
}

TEST_CASE("bytes that no value has are bad values") {
    using test::decode_failure;
    CHECK(decode_failure<bool>(from_hex("01 02")).code == code(errc::bad_value));
    CHECK(decode_failure<std::vector<bool>>(from_hex("41 01 01000000 ff")).code ==
          code(errc::bad_value));
    CHECK(decode_failure<std::optional<int>>(from_hex("43 02")).code == code(errc::bad_value));
    CHECK(decode_failure<std::bitset<9>>(from_hex("40 02000000 00 02")).code ==
          code(errc::bad_value));
    CHECK(decode_failure<std::bitset<9>>(from_hex("40 01000000 00")).code == code(errc::bad_value));
    CHECK(decode_failure<std::array<char, 2>>(from_hex("40 01000000 00")).code ==
          code(errc::bad_value));
    CHECK(decode_failure<std::pair<bool, bool>>(from_hex("45 03 01 01 01 01 01 01")).code ==
          code(errc::bad_value));
    CHECK(decode_failure<std::variant<int>>(from_hex("44 01 14 00000000")).code ==
          code(errc::bad_value));
    CHECK(decode_failure<std::variant<int>>(from_hex("44 ff 14 00000000")).code ==
          code(errc::bad_value));
    auto f = decode_failure<bool>(from_hex("01 01 00"));
    CHECK(f.code == code(errc::bad_value));
    CHECK(f.has("1 bytes after the value"));
}

TEST_CASE("milliseconds are not taken for seconds") {
    using std::chrono::milliseconds;
    using std::chrono::seconds;
    CHECK(round_trip(milliseconds(5)) == milliseconds(5));
    CHECK(read_failure<seconds>(milliseconds(5)).code == code(errc::field_mismatch));
    using frames = std::chrono::duration<int, std::ratio<1, 25>>;
    using fields = std::chrono::duration<int, std::ratio<1, 50>>;
    CHECK(round_trip(frames(5)) == frames(5));
    CHECK(read_failure<fields>(frames(5)).code == code(errc::field_mismatch));
    CHECK(read_failure<frames>(milliseconds(5)).code == code(errc::field_mismatch));
}

TEST_CASE("a steady clock's time is not taken for the time of day") {
    auto now = std::chrono::system_clock::now();
    CHECK(round_trip(now) == now);
    CHECK(read_failure<std::chrono::steady_clock::time_point>(now).code ==
          code(errc::field_mismatch));
    CHECK(read_failure<std::chrono::sys_seconds>(now).code == code(errc::field_mismatch));
    CHECK(read_failure<std::chrono::nanoseconds>(now).code == code(errc::field_mismatch));
}

TEST_CASE("a buffer keeps its memory, and its bytes when it grows or moves") {
    remora::byte_buffer out;
    out.append("abc", 3);
    out.resize(5);
    out.patch(1, "X", 1);
    CHECK(to_hex({out.data(), out.data() + out.size()}) == "6158630000");
    out.erase_front(2);
    CHECK(out.size() == 3);
    auto moved = std::move(out);
    CHECK(moved.size() == 3);
    auto capacity = moved.capacity();
    moved.clear();
    CHECK(moved.empty());
    CHECK(moved.capacity() == capacity);
}

TEST_CASE("a buffer with a maximum refuses one byte more, whatever its capacity") {
    remora::byte_buffer out;
    out.reserve(100);
    out.max_size(4);
    out.append("1234", 4);
    CHECK(failure_of([&] { out.append("5", 1); }).code == code(errc::message_too_large));
    CHECK(out.size() == 4);
    out.max_size(5);
    out.append("5", 1);
    CHECK(out.size() == 5);
}
