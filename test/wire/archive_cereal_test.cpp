// SPDX-License-Identifier: MIT
/// What functions that were written for Cereal may expect of the archives.
#include <cereal/types/array.hpp>
#include <cereal/types/map.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/valarray.hpp>
#include <cereal/types/vector.hpp>

#include "wire/archive_support.hpp"

namespace {

using remora::errc;
using test::bytes;
using test::code;
using test::decode_failure;
using test::encoded;
using test::from_hex;
using test::round_trip;
using test::to_hex;

struct samples : std::vector<double> {};
struct switches : std::vector<bool> {};
struct weights : std::valarray<float> {};
struct corners : std::array<std::int16_t, 2> {};
struct label : std::string {};

struct heavy {
    std::array<char, 4096> note{};
    template <class Archive>
    void serialize(Archive& ar) {
        ar(note);
    }
};
struct heavies : std::vector<heavy> {};

/// Stands for boost::container::flat_map and others like it.
template <class K, class V>
struct flat_map {
    using key_type = K;
    using mapped_type = V;
    using value_type = std::pair<K, V>;
    std::vector<value_type> items;
    auto begin() const { return items.begin(); }
    auto end() const { return items.end(); }
    auto begin() { return items.begin(); }
    std::size_t size() const { return items.size(); }
    void clear() { items.clear(); }
    template <class Iterator>
    Iterator emplace_hint(Iterator, K k, V v) {
        items.emplace_back(k, v);
        return items.end() - 1;
    }
};

/// Leaves something on the stack where the next function keeps its variables.
__attribute__((noinline)) void soil_stack() {
    volatile unsigned char rubbish[4096];
    for (auto& byte : rubbish)
        byte = 1;
}

template <class T>
__attribute__((noinline)) std::size_t size_from(const bytes& in) {
    soil_stack();
    T value;
    remora::decode(in, value);
    return value.size();
}

enum class tint : std::uint8_t { dark, light };
template <class Archive>
std::string save_minimal(const Archive&, const tint& s) {
    return s == tint::dark ? "dark" : "light";
}
template <class Archive>
void load_minimal(const Archive&, tint& s, const std::string& text) {
    s = text == "dark" ? tint::dark : tint::light;
}

/// Its minimal form looks like itself, and is another number all the same.
enum class turned : int { left, right };
template <class Archive>
int save_minimal(const Archive&, const turned& t) {
    return -static_cast<int>(t);
}
template <class Archive>
void load_minimal(const Archive&, turned& t, const int& number) {
    t = static_cast<turned>(-number);
}

enum class plain : std::uint16_t { one = 1 };

/// Keeps its objects in memory of its own.
struct pooled {
    int value;
    explicit pooled(int v) : value(v) {}
    template <class Archive>
    void save(Archive& ar) const {
        ar(value);
    }
    template <class Archive>
    static void load_and_construct(Archive& ar, cereal::construct<pooled>& construct) {
        int v = 0;
        ar(v);
        if (v >= 0) construct(v);
    }
    static void* operator new(std::size_t size) {
        ++alive;
        return ::operator new(size);
    }
    static void* operator new(std::size_t, void* place) { return place; }  // Cereal asks for it
    static void operator delete(void* memory) {
        --alive;
        ::operator delete(memory);
    }
    static inline int alive = 0;
};

/// Of a third party, with the functions that its users write for Cereal.
template <class S>
struct matrix {
    std::int32_t rows = 0, columns = 0;
    std::vector<S> elements;
    void resize(std::int32_t r, std::int32_t c) {
        rows = r;
        columns = c;
        elements.resize(static_cast<std::size_t>(r * c));
    }
};

using out = remora::output_archive;
using in = remora::input_archive;

}  // namespace

namespace cereal {
template <class Archive, class S>
std::enable_if_t<traits::is_output_serializable<BinaryData<S>, Archive>::value> save(
    Archive& ar, const matrix<S>& m) {
    ar(m.rows, m.columns, binary_data(m.elements.data(), m.elements.size() * sizeof(S)));
}
template <class Archive, class S>
std::enable_if_t<traits::is_input_serializable<BinaryData<S>, Archive>::value> load(Archive& ar,
                                                                                    matrix<S>& m) {
    std::int32_t rows = 0, columns = 0;
    ar(rows, columns);
    m.resize(rows, columns);
    ar(binary_data(m.elements.data(), m.elements.size() * sizeof(S)));
}
}  // namespace cereal

template <>
inline constexpr std::string_view remora::type_name<matrix<double>> = "matrix";

TEST_CASE("a size tag that is missing is 0") {
    CHECK(size_from<samples>(from_hex("46 00000000")) == 0);
    CHECK(size_from<switches>(from_hex("46 00000000")) == 0);
    CHECK(size_from<flat_map<int, int>>(from_hex("46 00000000")) == 0);
}

TEST_CASE("elements of a class derived from a vector of bools that are missing are false") {
    soil_stack();
    switches read;
    remora::decode(from_hex("46 0b000000 28 0200000000000000 01 01"), read);
    CHECK(read.size() == 2);
    CHECK(read[0]);
    CHECK(!read[1]);
}

TEST_CASE("an item of a map that is missing behind its size is truncated") {
    auto f =
        decode_failure<flat_map<int, int>>(from_hex("46 15000000 28 0c00000000000000"
                                                    "45 02 14 01000000 14 02000000"));
    CHECK(f.code == code(errc::truncated));
}

TEST_CASE("elements of a class derived from a container meet the budget before they are made") {
    bytes body = from_hex("46 89f30100 28 80f3010000000000");
    body.resize(body.size() + 0x1f380);
    CHECK(decode_failure<heavies>(body).code == code(errc::over_budget));
}

TEST_CASE("elements of a class derived from a row of numbers are fields") {
    samples s;
    s.assign({1, 2});
    CHECK(to_hex(encoded(s)) ==
          "461b000000280200000000000000"
          "38000000000000f03f380000000000000040");
    CHECK(round_trip(s) == s);
    weights w;
    w.resize(1, 1.5f);
    CHECK(to_hex(encoded(w)) == "460e000000280100000000000000340000c03f");
    CHECK(round_trip(w)[0] == 1.5f);
    CHECK(to_hex(encoded(corners{{1, 2}})) == "4606000000120100120200");
    CHECK(round_trip(corners{{1, 2}})[1] == 2);
}

TEST_CASE("the archives say that they take numbers and binary data") {
    using namespace cereal::traits;
    static_assert(is_output_serializable<int, out>::value);
    static_assert(is_input_serializable<double, in>::value);
    static_assert(is_output_serializable<bool, out>::value);
    static_assert(is_output_serializable<tint, out>::value);
    static_assert(is_output_serializable<std::vector<int>, out>::value);
    static_assert(is_input_serializable<std::vector<int>, in>::value);
    static_assert(is_input_serializable<std::string, in>::value);
    static_assert(is_output_serializable<cereal::BinaryData<double*>, out>::value);
    static_assert(is_input_serializable<cereal::BinaryData<double>, in>::value);
}

TEST_CASE("functions that ask whether the archive takes binary data are used") {
    matrix<double> m;
    m.resize(2, 1);
    m.elements = {1.5, 2.5};
    CHECK(round_trip(m).elements == m.elements);
}

TEST_CASE("a minimal form of an enumeration is what travels") {
    CHECK(to_hex(encoded(tint::light)) == "40050000006c69676874");
    CHECK(round_trip(tint::light) == tint::light);
    CHECK(to_hex(encoded(turned::right)) == "14ffffffff");
    CHECK(round_trip(std::vector{turned::right, turned::left})[0] == turned::right);
    CHECK(to_hex(encoded(std::vector{turned::right})) == "411401000000ffffffff");
    CHECK(to_hex(encoded(plain::one)) == "220100");
    CHECK(remora::type_name_of<tint>() == "tint");
}

TEST_CASE("an object lies in the memory that its class gives out") {
    auto sent = std::make_unique<pooled>(7);
    CHECK(round_trip(sent)->value == 7);
    auto failing = std::make_unique<pooled>(-7);
    CHECK(decode_failure<std::unique_ptr<pooled>>(encoded(failing)).code == code(errc::bad_value));
    sent.reset();
    failing.reset();
    CHECK(pooled::alive == 0);
}
