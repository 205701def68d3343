// SPDX-License-Identifier: MIT
/// The buffer that values are encoded into.
#include "wire/archive_support.hpp"
#include "wire/archive_values.hpp"

namespace {

using remora::errc;
using test::code;
using test::throwing;
using test::to_hex;

}  // namespace

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
    CHECK(test::failure_of([&] { out.append("5", 1); }).code == code(errc::message_too_large));
    CHECK(out.size() == 4);
    out.max_size(5);
    out.append("5", 1);
    CHECK(out.size() == 5);
}

TEST_CASE("encoding appends, and takes back what it wrote when it fails") {
    remora::byte_buffer out;
    remora::encode(out, std::int8_t{1});
    CHECK_THROWS_WITH(remora::encode(out, throwing{"runtime"}), "mine");
    CHECK(out.size() == 2);
    remora::encode(out, std::int8_t{2});
    CHECK(to_hex({out.data(), out.data() + out.size()}) == "11011102");
}
