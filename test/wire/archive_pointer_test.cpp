// SPDX-License-Identifier: MIT
/// Owning pointers and variants, and objects that load_and_construct makes.
#include <cereal/types/memory.hpp>
#include <cereal/types/polymorphic.hpp>
#include <cereal/types/variant.hpp>

#include "wire/archive_support.hpp"

namespace {

using remora::errc;
using test::code;
using test::decode_failure;
using test::encoded;
using test::read_as;
using test::read_failure;
using test::round_trip;

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

struct birth_old {
    int a = 0;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(a);
    }
};
struct birth_new {
    int a, b = 0;
    explicit birth_new(int value) : a(value) {}
    template <class Archive>
    void save(Archive& ar) const {
        ar(a, b);
    }
    template <class Archive>
    static void load_and_construct(Archive& ar, cereal::construct<birth_new>& construct) {
        int first = 0;
        int second = 42;
        ar(first, second);
        construct(first);
        construct->b = second;
    }
};

}  // namespace

namespace cereal {
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

TEST_CASE("owning pointers may have their own deleter, and point to constants") {
    std::unique_ptr<const int, plain_delete<int>> pointer(new int(5));
    CHECK(*round_trip(pointer) == 5);
}

TEST_CASE("load_and_construct sees missing fields too") {
    auto got = read_as<std::unique_ptr<birth_new>>(std::make_unique<birth_old>(birth_old{3}));
    CHECK(got->a == 3);
    CHECK(got->b == 42);
    auto old = read_as<std::unique_ptr<birth_old>>(got);
    CHECK(old->a == 3);
}

TEST_CASE("an owning pointer may become an optional") {
    CHECK(read_as<std::optional<int>>(std::make_unique<int>(5)) == 5);
    CHECK(*read_as<std::unique_ptr<int>>(std::optional<int>(5)) == 5);
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
    CHECK(test::failure_of([&] { encoded(none); }).code == code(errc::bad_value));
}
