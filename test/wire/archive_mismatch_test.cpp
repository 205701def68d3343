// SPDX-License-Identifier: MIT
/// Values that are not what their reader expects: the error says where, and what there is.
#include <cereal/types/variant.hpp>
#include <cereal/types/vector.hpp>

#include "wire/archive_support.hpp"
#include "wire/archive_values.hpp"

namespace {

using remora::errc;
using test::code;
using test::decode_failure;
using test::encoded;
using test::from_hex;
using test::old_question;
using test::outer;
using test::read_failure;
using test::round_trip;
using test::throwing;

/// The first two of the fields.
struct half_question {
    int a = 0, b = 0;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(a, b);
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

}  // namespace

TEST_CASE("a field of another kind is an error with type, field, offset and both kinds") {
    auto f = read_failure<old_question>(half_question{1, 2});
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

TEST_CASE("what a user's function throws while reading comes through") {
    auto bytes = encoded(std::pair<std::string, int>("runtime", 1));
    auto record = from_hex("46 0c000000 40 07000000 72756e74696d65");
    CHECK_THROWS_WITH(remora::decode<throwing>(record), "mine");
    auto f = read_failure<throwing>(throwing{"cereal"});
    CHECK(f.code == code(errc::bad_value));
    CHECK(f.has("not so"));
}
