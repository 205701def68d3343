// SPDX-License-Identifier: MIT
// Frames and the meeting: logic without input or output.
#include "support/support.hpp"

#include "wire/control_records.hpp"

#include <remora/detail/wire/frame.hpp>

#include <array>
#include <vector>

namespace {

using namespace test;
using remora::errc;
using remora::detail::frame_header;
using remora::detail::frame_kind;
using remora::detail::parse_frame;

constexpr std::size_t limit = 1000;

std::vector<std::byte> make(frame_header header, const std::string& payload = "") {
    header.length = static_cast<std::uint32_t>(payload.size());
    std::vector<std::byte> bytes(frame_header::size);
    header.store(bytes.data());
    const auto* from = reinterpret_cast<const std::byte*>(payload.data());
    bytes.insert(bytes.end(), from, from + payload.size());
    return bytes;
}

failure parse_failure(const std::vector<std::byte>& bytes) {
    std::size_t wanted = 0;
    return failure_of([&] { parse_frame(bytes, limit, wanted); });
}

TEST_CASE("a frame is 24 bytes of header, little-endian, and its payload") {
    const auto bytes = make({.kind = frame_kind::message,
                             .flags = frame_header::may_skip,
                             .id = 0x0102030405060708,
                             .tag = 0x1112131415161718},
                            "xy");
    const std::array<unsigned char, 26> golden{2,    0,    0,    0,    2,    2,    0,   0,    8,
                                               7,    6,    5,    4,    3,    2,    1,   0x18, 0x17,
                                               0x16, 0x15, 0x14, 0x13, 0x12, 0x11, 'x', 'y'};
    REQUIRE(bytes.size() == golden.size());
    CHECK(std::memcmp(bytes.data(), golden.data(), golden.size()) == 0);
    std::size_t wanted = 0;
    const auto f = parse_frame(bytes, limit, wanted);
    REQUIRE(f);
    CHECK(f->header.id == 0x0102030405060708);
    CHECK(f->header.tag == 0x1112131415161718);
    CHECK(f->payload.size() == 2);
}

TEST_CASE("a frame that is not whole says how much it wants") {
    const auto bytes = make({.kind = frame_kind::message}, "0123456789");
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        std::size_t wanted = 0;
        CHECK(!parse_frame(std::span(bytes).first(size), limit, wanted));
        CHECK(wanted == (size < frame_header::size ? frame_header::size : bytes.size()));
    }
}

TEST_CASE("a named frame begins with the name of its type") {
    std::size_t wanted = 0;
    const auto bytes = make({.kind = frame_kind::message, .flags = frame_header::named},
                            std::string("\x03") + "abcrest");
    const auto f = parse_frame(bytes, limit, wanted);
    REQUIRE(f);
    CHECK(f->type_name == "abc");
    CHECK(f->payload.size() == 4);
    for (const auto& bad : {std::string(), std::string("\x05") + "abc", std::string(1, '\0')}) {
        CHECK(parse_failure(make({.kind = frame_kind::message, .flags = frame_header::named}, bad))
                  .code == code(errc::protocol_error));
    }
}

TEST_CASE("a header with unknown bits is no frame") {
    CHECK(parse_failure(make({.kind = frame_kind{}})).code == code(errc::protocol_error));
    CHECK(parse_failure(make({.kind = frame_kind::message, .flags = 64})).code ==
          code(errc::protocol_error));
    auto reserved = make({.kind = frame_kind::message});
    reserved[6] = std::byte{1};
    CHECK(parse_failure(reserved).code == code(errc::protocol_error));
}

TEST_CASE("the limit of a frame is the limit of its value") {
    const auto fits = make({.kind = frame_kind::message}, std::string(limit, 'x'));
    CHECK(!parse_failure(fits).code);
    const auto why =
        parse_failure(make({.kind = frame_kind::message}, std::string(limit + 1, 'x')));
    CHECK(why.code == code(errc::message_too_large));
    CHECK(why.has("1001"));
    CHECK(why.has("1000"));
}

TEST_CASE("a name leaves no more room for the value") {
    const frame_header header{.kind = frame_kind::message, .flags = frame_header::named};
    const auto name = std::string("\x03") + "abc";
    CHECK(!parse_failure(make(header, name + std::string(limit, 'x'))).code);
    const auto why = parse_failure(make(header, name + std::string(limit + 1, 'x')));
    CHECK(why.code == code(errc::message_too_large));
    CHECK(why.has("1001"));
}

TEST_CASE("server and app agree on the newest version that both speak") {
    using remora::wire::hello;
    using remora::wire::welcome;
    const auto reply = [](std::uint32_t oldest, std::uint32_t newest) {
        return remora::detail::answer_hello(
            hello{.oldest = oldest, .newest = newest, .max_message = 5000}, 10000, 42);
    };
    const auto agreed = std::get<welcome>(reply(1, 9));
    CHECK(agreed.version == 1);
    CHECK(agreed.max_message == 5000);
    CHECK(agreed.pid == 42);
    for (const auto& refusal : {reply(2, 9), reply(0, 0)}) {
        const auto why = std::get<remora::wire::close_reason>(refusal);
        CHECK(why.to_code() == errc::version_mismatch);
        CHECK(why.text.find("1 to 1") != std::string::npos);
    }
}

TEST_CASE("an app whose limit is too small for a reason to close is refused") {
    const auto reply = remora::detail::answer_hello({.max_message = 4095}, 10000, 42);
    CHECK(std::get<remora::wire::close_reason>(reply).to_code() == errc::protocol_error);
}

template <class T>
std::string hex_of(const T& value) {
    remora::byte_buffer bytes;
    remora::encode(bytes, value);
    std::string text;
    for (const std::byte b : bytes.bytes()) {
        text += "0123456789abcdef"[std::to_integer<int>(b >> 4)];
        text += "0123456789abcdef"[std::to_integer<int>(b & std::byte{15})];
    }
    return text;
}

TEST_CASE("the records of the control pipe keep their bytes") {
    using namespace remora::wire;
    CHECK(hex_of(hello{1, 2, 3, 4, 5}) ==
          "46210000002401000000240200000028030000000000000028040000000000000014"
          "05000000");
    CHECK(hex_of(welcome{1, 2, 3, 4, 5, 6, 7, 8, 9}) ==
          "463d000000240100000028020000000000000028030000000000000014040000001405000000140600000028"
          "07000000000000002808000000000000002409000000");
    CHECK(hex_of(list_request{"b"}) == "4606000000400100000062");
    CHECK(hex_of(name_list{{"c"}, true}) == "460d00000041400100000001000000630101");
    CHECK(hex_of(connect_request{"maths", 7, 3}) ==
          "461800000040050000006d617468732807000000000000002403000000");
    CHECK(hex_of(connection_offer{"12", 2, 3, 4, 5}) ==
          "4627000000400200000031322402000000280300000000000000280400000000000000"
          "280500000000000000");
    CHECK(hex_of(close_reason(errc::service_failed, "why")) ==
          "460d00000014150000004003000000776879");
    CHECK(magic == 0x000061726f6d6572);
}

TEST_CASE("names of pipes are short and printable") {
    using remora::detail::is_pipe_name;
    for (const char* good : {"maths", "a b", "ä", "..", "x=1", "'"})
        CHECK(is_pipe_name(good));
    for (const char* bad : {"", "../x", "a/b", "a\nb", "\x7f"})
        CHECK(!is_pipe_name(bad));
    CHECK(is_pipe_name(std::string(128, 'x')));
    CHECK(!is_pipe_name(std::string(129, 'x')));
    CHECK(!is_pipe_name(std::string_view("a\0b", 3)));
}

TEST_CASE("a reason to close keeps its code, and unknown ones become service_failed") {
    using remora::wire::close_reason;
    CHECK(close_reason(errc::stopping, "x").to_code() == errc::stopping);
    CHECK(!close_reason().to_code());
    CHECK(close_reason().to_refusal() == errc::refused);
    CHECK(close_reason(errc::stopping, std::string(5000, 'x')).text.size() == 1024);
    close_reason unknown;
    for (const int number : {-1, 1000, 100000}) {
        unknown.code = number;
        CHECK(unknown.to_code() == errc::service_failed);
        CHECK(unknown.to_refusal() == errc::refused);
    }
    const auto foreign = std::make_error_code(std::errc::no_space_on_device);
    CHECK(close_reason(foreign, "x").to_code() == errc::service_failed);
}

}  // namespace
