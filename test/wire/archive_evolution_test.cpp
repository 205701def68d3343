// SPDX-License-Identifier: MIT
/// Last year's reader and today's writer, and the other way round.
#include <cereal/types/base_class.hpp>

#include "wire/archive_support.hpp"

namespace {

using remora::errc;
using test::code;
using test::encoded;
using test::read_as;
using test::read_failure;

/// The same class in its first version and in its second, which has three more fields.
struct old_part {
    int a = 0;
    auto operator<=>(const old_part&) const = default;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(a);
    }
};
struct new_part {
    int a = 0;
    std::string b = "default";
    std::vector<new_part> c;
    std::optional<int> d = 7;
    bool operator<(const new_part& other) const {
        return std::tie(a, b) < std::tie(other.a, other.b);
    }
    template <class Archive>
    void serialize(Archive& ar) {
        ar(a, b, c, d);
    }
};

new_part full() {
    return {1, "sent", {{2, "inner", {}, 3}}, 4};
}
bool has_defaults(const new_part& p, int a) {
    return p.a == a && p.b == "default" && p.c.empty() && p.d == 7;
}

/// Holds a part in every way there is, with a field behind each that shows whether the reader
/// stayed in step.
template <class Part>
struct holder {
    Part direct;
    int after_direct = 0;
    std::vector<Part> list;
    std::map<std::string, Part> map;
    std::optional<Part> optional;
    std::variant<int, Part> variant;
    std::unique_ptr<Part> pointer;
    std::array<Part, 2> array;
    std::pair<Part, int> pair;
    std::deque<std::tuple<int, std::vector<Part>>> nested;
    Part c_array[2];
    int last = 0;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(direct, after_direct, list, map, optional, variant, pointer, array, pair, nested,
           c_array, last);
    }
};

template <class Part>
holder<Part> holder_with(Part (*part)()) {
    holder<Part> h;
    h.direct = part();
    h.after_direct = 11;
    h.list.push_back(part());
    h.list.push_back(part());
    h.map["key"] = part();
    h.optional = part();
    h.variant = part();
    h.pointer = std::make_unique<Part>(part());
    h.array = {part(), part()};
    h.pair = {part(), 12};
    h.nested.emplace_back(13, std::vector<Part>{});
    std::get<1>(h.nested[0]).push_back(part());
    h.c_array[1] = part();
    h.last = 14;
    return h;
}

template <class Part, class Check>
void check_filled(const holder<Part>& h, Check check) {
    CHECK(check(h.direct));
    CHECK(h.after_direct == 11);
    REQUIRE(h.list.size() == 2);
    CHECK(check(h.list[1]));
    CHECK(check(h.map.at("key")));
    CHECK(check(h.optional.value()));
    CHECK(check(std::get<1>(h.variant)));
    CHECK(check(*h.pointer));
    CHECK(check(h.array[1]));
    CHECK(check(h.pair.first));
    CHECK(h.pair.second == 12);
    CHECK(std::get<0>(h.nested.at(0)) == 13);
    CHECK(check(std::get<1>(h.nested.at(0)).at(0)));
    CHECK(check(h.c_array[1]));
    CHECK(h.last == 14);
}

struct absent_old {
    int a = 0;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(a);
    }
};
enum class paint : int { red = 1, blue = 2 };
struct absent_new {
    int a = 0;
    std::optional<int> optional = 5;
    paint shade = paint::blue;
    std::chrono::milliseconds time{7};
    std::variant<int, std::string> variant = "kept";
    std::bitset<8> bits{5};
    std::unique_ptr<int> pointer = std::make_unique<int>(6);
    std::tuple<int, bool> tuple{1, true};
    std::complex<double> complex{1, 2};
    std::atomic<int> atomic{9};
    std::vector<bool> flags{true};
    std::map<int, int> map{{1, 2}};
    bool flag = true;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(a, optional, shade, time, variant, bits, pointer, tuple, complex, atomic, flags, map,
           flag);
    }
};

template <class Base>
struct derived_record : Base {
    int own = 0;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(cereal::base_class<Base>(this), own);
    }
};
template <class Base>
struct virtually_derived : virtual Base {
    int own = 0;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(cereal::virtual_base_class<Base>(this), own);
    }
};

struct grown {
    std::int64_t a = 0;
    std::int32_t b = -1;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(a, b);
    }
};
struct two_ints {
    std::int32_t a = 1, b = 2;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(a, b);
    }
};

}  // namespace

TEST_CASE("an old reader skips the fields that it does not know, at any depth") {
    auto got = read_as<holder<old_part>>(holder_with<new_part>(full));
    check_filled(got, [](const old_part& p) { return p.a == 1; });
}

TEST_CASE("a new reader keeps the defaults of fields that are not there, at any depth") {
    auto part = [] { return old_part{1}; };
    auto got = read_as<holder<new_part>>(holder_with<old_part>(part));
    check_filled(got, [](const new_part& p) { return has_defaults(p, 1); });
}

TEST_CASE("a new reader gets all of the new fields") {
    auto got = read_as<holder<new_part>>(holder_with<new_part>(full));
    check_filled(
        got, [](const new_part& p) { return p.b == "sent" && p.c.at(0).b == "inner" && p.d == 4; });
}

TEST_CASE("fields of every sort keep their defaults when they are not there") {
    absent_new got;
    remora::decode(encoded(absent_old{3}), got);
    CHECK(got.a == 3);
    CHECK(got.optional == 5);
    CHECK(got.shade == paint::blue);
    CHECK(got.time.count() == 7);
    CHECK(std::get<1>(got.variant) == "kept");
    CHECK(got.bits.to_ulong() == 5);
    CHECK(*got.pointer == 6);
    CHECK(std::get<0>(got.tuple) == 1);
    CHECK(got.complex.imag() == 2);
    CHECK(got.atomic == 9);
    CHECK(got.flags.size() == 1);
    CHECK(got.map.at(1) == 2);
    CHECK(got.flag);
}

TEST_CASE("fields of every sort are skipped by a reader that does not know them") {
    auto got = read_as<std::pair<absent_old, int>>(
        std::pair<absent_new, int>(std::piecewise_construct, std::tuple<>(), std::tuple(8)));
    CHECK(got.second == 8);
}

TEST_CASE("a base class may grow") {
    derived_record<new_part> sent;
    static_cast<new_part&>(sent) = full();
    sent.own = 9;
    auto old = read_as<derived_record<old_part>>(sent);
    CHECK(old.a == 1);
    CHECK(old.own == 9);
    auto fresh = read_as<derived_record<new_part>>(old);
    CHECK(has_defaults(fresh, 1));
    CHECK(fresh.own == 9);
}

TEST_CASE("a virtual base class may grow") {
    virtually_derived<new_part> sent;
    static_cast<new_part&>(sent) = full();
    sent.own = 9;
    auto old = read_as<virtually_derived<old_part>>(sent);
    CHECK(old.a == 1);
    CHECK(old.own == 9);
    CHECK(has_defaults(read_as<virtually_derived<new_part>>(old), 1));
}

TEST_CASE("keys that differ only in a field that the reader does not know fall together") {
    std::map<new_part, int> sent;
    sent[{1, "x", {}, {}}] = 10;
    sent[{1, "y", {}, {}}] = 20;
    auto got = read_as<std::map<old_part, int>>(sent);
    CHECK(got.size() == 1);
    CHECK(got.at({1}) == 10);
}

TEST_CASE("a variant may get alternatives; one that the reader does not know is an error") {
    using narrow = std::variant<int, bool>;
    using wide = std::variant<int, bool, std::string>;
    CHECK(std::get<1>(read_as<wide>(narrow(true))));
    CHECK(std::get<0>(read_as<narrow>(wide(5))) == 5);
    CHECK(read_failure<narrow>(wide("new")).code == code(errc::bad_value));
}

TEST_CASE("a field that grew from 32 to 64 bits is an error, never a wrong number") {
    CHECK(read_failure<grown>(two_ints{}).code == code(errc::field_mismatch));
    CHECK(read_failure<two_ints>(grown{}).code == code(errc::field_mismatch));
}

TEST_CASE("reading into a value that is used again leaves fields that are missing alone") {
    auto into = full();
    remora::decode(encoded(old_part{5}), into);
    CHECK(into.a == 5);
    CHECK(into.b == "sent");
}

TEST_CASE("elements never keep what their container held before") {
    std::vector<new_part> list{full()};
    remora::decode(encoded(std::vector<old_part>{{5}}), list);
    CHECK(has_defaults(list.at(0), 5));
    std::optional<new_part> optional = full();
    remora::decode(encoded(std::optional(old_part{5})), optional);
    CHECK(has_defaults(*optional, 5));
    std::variant<int, new_part> variant = full();
    remora::decode(encoded(std::variant<int, old_part>(old_part{5})), variant);
    CHECK(has_defaults(std::get<1>(variant), 5));
    auto pointer = std::make_unique<new_part>(full());
    remora::decode(encoded(std::make_unique<old_part>(old_part{5})), pointer);
    CHECK(has_defaults(*pointer, 5));
}
