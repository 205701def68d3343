// SPDX-License-Identifier: MIT
/// Bytes that no honest sender has made: whatever they are, decoding ends soon, with a clear error
/// or a value, and within its budget.
#include <random>

#include "wire/archive_support.hpp"
#include "wire/archive_values.hpp"

namespace {

using remora::errc;
using test::bytes;
using test::code;
using test::decode_failure;
using test::encoded;
using test::from_hex;
using test::old_question;
using test::record_of;

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

struct kitchen_sink {
    old_question record;
    std::vector<old_question> list = {{1, 2, "+"}, {3, 4, "minus"}};
    std::map<std::string, std::vector<int>> map = {{"a", {1, 2}}, {"b", {}}};
    std::optional<std::string> optional = "present";
    std::variant<std::monostate, int, old_question> variant = old_question{5, 6, "*"};
    std::unique_ptr<old_question> pointer = std::make_unique<old_question>();
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
    check_cuts(std::map<int, old_question>{{1, {1, 2, "+"}}});
    check_cuts(3.5);
}

TEST_CASE("a record cut between two fields has fewer fields, anywhere else it is truncated") {
    auto whole = encoded(old_question{5, 4, "plus"});
    bytes body(whole.begin() + 5, whole.end());
    for (std::size_t n = 0; n < body.size(); ++n) {
        auto cut = record_of(bytes(body.begin(), body.begin() + static_cast<long>(n)));
        auto f = decode_failure<old_question>(cut);
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
        auto f = test::failure_of([&] { remora::decode(cut, into); });
        const bool whole = n == 0 || n == 5 || n == 14 || n == 17;
        CHECK_MESSAGE(f.code == (whole ? std::error_code() : code(errc::truncated)),
                      "cut at " << n);
        if (whole) CHECK(into.a + into.b + into.c == (n < 5 ? 21 : n < 14 ? 15 : n < 17 ? 10 : 6));
    }
    auto f = decode_failure<triple>(record_of(from_hex("14 01000000 34 00000040 22 0300 0000")));
    CHECK(f.has("triple, field 2, at byte 10: f64 expected, f32 found"));
}

TEST_CASE("no bytes at all are truncated") {
    CHECK(decode_failure<old_question>({}).code == code(errc::truncated));
    CHECK(decode_failure<int>({}).code == code(errc::truncated));
}

TEST_CASE("a version cut in the middle is truncated") {
    CHECK(decode_failure<old_question>(from_hex("46 03000000 48 0100")).code ==
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
        auto f = test::failure_of([&] { remora::decode(bad, into, {.memory = 1 << 20}); });
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
