// SPDX-License-Identifier: MIT
/// Classes with a version, which each of their records has.
#include "wire/archive_support.hpp"

namespace {

using test::encoded;
using test::read_as;
using test::round_trip;
using test::to_hex;

/// Versioned by CEREAL_CLASS_VERSION below.
struct stamped {
    int value = 0;
    std::uint32_t seen = 0;
    template <class Archive>
    void serialize(Archive& ar, std::uint32_t version) {
        seen = version;
        ar(value);
    }
};
struct without_stamped {
    int a = 0;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(a);
    }
};
struct with_stamped {
    int a = 0;
    stamped first;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(a, first);
    }
};
template <class Head>
struct message {
    Head head;
    stamped second;
    int tail = 0;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(head, second, tail);
    }
};
struct unstamped {
    int value = 0;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(value);
    }
};

struct minimal_stamped {
    int value = 5;
    std::uint32_t seen = 0;
    template <class Archive>
    int save_minimal(const Archive&, std::uint32_t) const {
        return value;
    }
    template <class Archive>
    void load_minimal(const Archive&, const int& from, std::uint32_t version) {
        value = from;
        seen = version;
    }
};

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

}  // namespace

namespace outside {
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

CEREAL_CLASS_VERSION(stamped, 2)
CEREAL_CLASS_VERSION(minimal_stamped, 4)
CEREAL_CLASS_VERSION(outside::dated, 3)
CEREAL_CLASS_VERSION(outside::split_dated, 3)
CEREAL_CLASS_VERSION(outside::dated_metres, 3)
CEREAL_CLASS_VERSION(split_versioned, 3)

TEST_CASE("functions of every sort get the version of the sender's class") {
    CHECK(round_trip(outside::dated{1, 0}).version == 3);
    CHECK(round_trip(outside::split_dated{1, 0}).version == 3);
    CHECK(round_trip(outside::dated_metres{1, 0}).version == 3);
    CHECK(round_trip(split_versioned{1, 0}).version == 3);
    CHECK(to_hex(encoded(outside::dated{1, 0})) == to_hex(encoded(split_versioned{1, 0})));
}

TEST_CASE("a version arrives though the class's first object sat in a skipped field") {
    message<with_stamped> sent;
    sent.head.a = 1;
    sent.head.first.value = 2;
    sent.second.value = 3;
    sent.tail = 4;
    auto got = read_as<message<without_stamped>>(sent);
    CHECK(got.head.a == 1);
    CHECK(got.second.value == 3);
    CHECK(got.second.seen == 2);
    CHECK(got.tail == 4);
}

TEST_CASE("each record of a class has its own version, also within another versioned one") {
    auto got = read_as<std::vector<stamped>>(std::vector<stamped>(3));
    CHECK(got.at(2).seen == 2);
    auto nested = read_as<message<stamped>>(message<stamped>());
    CHECK(nested.head.seen == 2);
    CHECK(nested.second.seen == 2);
}

TEST_CASE("a class may become versioned: records without a version have version 0") {
    auto got = read_as<stamped>(unstamped{6});
    CHECK(got.value == 6);
    CHECK(got.seen == 0);
    CHECK(read_as<unstamped>(stamped{6, 0}).value == 6);
}

TEST_CASE("a versioned minimal form gets its version, and is left alone where it is missing") {
    CHECK(read_as<minimal_stamped>(minimal_stamped{8}).seen == 4);
    CHECK(read_as<minimal_stamped>(minimal_stamped{8}).value == 8);
    auto empty = test::from_hex("46 05000000 48 01000000");
    CHECK(remora::decode<minimal_stamped>(empty).value == 5);
}
