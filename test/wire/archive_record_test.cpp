// SPDX-License-Identifier: MIT
/// Classes as records, with functions of every sort that Cereal knows.
#include <cereal/types/functional.hpp>
#include <cereal/types/memory.hpp>
#include <cereal/types/polymorphic.hpp>
#include <cereal/types/variant.hpp>

#include "wire/archive_support.hpp"
#include "wire/archive_values.hpp"

namespace {

using test::encoded;
using test::old_question;
using test::read_as;
using test::round_trip;
using test::to_hex;

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

struct inherits_all : old_question {};

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
}  // namespace outside

namespace cereal {
template <class Archive>
void serialize(Archive& ar, foreign& f) {
    ar(f.value);
}
template <class Archive>
struct specialize<Archive, chosen, specialization::member_load_save> {};
}  // namespace cereal

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

TEST_CASE("a class that inherits its functions is one record") {
    inherits_all value;
    value.op = "+";
    CHECK(round_trip(value).op == "+");
    CHECK(to_hex(encoded(value)) == to_hex(encoded(old_question{0, 0, "+"})));
}

TEST_CASE("virtual bases come back, though each path to them carries them") {
    diamond value;
    value.sides = 4;
    value.own = 5;
    auto back = round_trip(value);
    CHECK(back.sides == 4);
    CHECK(back.own == 5);
}

TEST_CASE("an empty class needs no function") {
    CHECK(to_hex(encoded(std::less<int>())) == "4600000000");
    CHECK(round_trip(std::variant<std::monostate, int>()).index() == 0);
}
