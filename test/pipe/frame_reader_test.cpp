// SPDX-License-Identifier: MIT
// What becomes of the bytes that arrive: no descriptor.
#include "pipe/frame_bytes.hpp"

#include "support/wire_bytes.hpp"

#include "wire/control_records.hpp"

namespace {

using namespace test;
using remora::errc;
using found = frame_reader::found;

bytes as_bytes(const std::string& text) {
    const auto* from = reinterpret_cast<const std::byte*>(text.data());
    return {from, from + text.size()};
}

failure frame_failure(frame_reader& r, const std::string& input, bool takes_calls = true) {
    std::size_t consumed = 0;
    const bytes in = as_bytes(input);
    return failure_of([&] { r.read(in, takes_calls, consumed); });
}

std::string piece_of(std::uint64_t id, const std::string& part, std::uint8_t flags = 0) {
    return frame_bytes({.kind = frame_kind::piece, .flags = flags, .id = id}, part);
}

std::string last_of(std::uint64_t id, const std::string& part, std::uint8_t flags = 0) {
    return frame_bytes({.kind = frame_kind::reply,
                        .flags = static_cast<std::uint8_t>(flags | frame_header::joined),
                        .id = id},
                       part);
}

TEST_CASE("a frame is found when its last byte is there, and not before") {
    const bytes whole = as_bytes(frame_bytes({.kind = frame_kind::message}, "hello"));
    auto r = make_reader();
    std::size_t consumed = 0;
    for (std::size_t size = 0; size < whole.size(); ++size) {
        CHECK(r.read(std::span(whole).first(size), true, consumed) == found::nothing);
        CHECK(r.wanted() == (size < frame_header::size ? frame_header::size : whole.size()));
    }
    CHECK(r.read(whole, true, consumed) == found::head);
    CHECK(copy_of(*r.head()).payload == "hello");
    CHECK(r.pop() == whole.size());
    CHECK(r.head() == nullptr);
    CHECK(r.pop() == 0);
}

TEST_CASE("frames of calls have a place only where somebody takes calls") {
    auto r = make_reader();
    const auto refused =
        frame_failure(r, frame_bytes({.kind = frame_kind::request, .id = 1}), false);
    CHECK(refused.code == code(errc::protocol_error));
    CHECK(refused.has("no service is attached"));
    CHECK(frame_failure(r, frame_bytes({.kind = frame_kind::request, .id = 1})).code ==
          std::error_code());
}

TEST_CASE("a frame that nobody knows is skipped if it may be, and an error otherwise") {
    auto r = make_reader();
    std::size_t consumed = 0;
    CHECK(r.read(as_bytes(skipped_bytes(5)), true, consumed) == found::skipped);
    CHECK(consumed == frame_header::size + 5);
    CHECK(frame_failure(r, frame_bytes({.kind = unknown_kind})).code == code(errc::protocol_error));
}

TEST_CASE("a window is told, also before there is anybody to take it") {
    auto r = make_reader();
    std::size_t consumed = 0;
    CHECK(r.window() == 1);
    CHECK(r.read(as_bytes(frame_with(frame_kind::window, 0, std::uint64_t{7})), false, consumed) ==
          found::window);
    CHECK(r.window() == 7);
    CHECK(consumed != 0);
}

TEST_CASE("a close ends the conversation, cleanly or with its reason") {
    auto clean = make_reader();
    std::size_t consumed = 0;
    CHECK(clean.read(as_bytes(frame_bytes({.kind = frame_kind::close})), true, consumed) ==
          found::close);
    CHECK(clean.at_clean_end());
    auto failed = make_reader();
    const remora::wire::close_reason why(errc::service_failed, "broken");
    CHECK(failed.read(as_bytes(frame_with(frame_kind::close, 0, why)), true, consumed) ==
          found::close);
    CHECK(!failed.at_clean_end());
    CHECK(failed.end_code() == code(errc::service_failed));
    CHECK(failed.end_text() == "\"broken\"");
}

TEST_CASE("a name belongs to its tag, and is remembered") {
    auto r = make_reader();
    CHECK(frame_failure(r, misnamed_bytes(frame_kind::message, 0)).has("is not its own"));
    read_all(r, as_bytes(frame_bytes({.kind = frame_kind::message,
                                      .flags = frame_header::named,
                                      .tag = remora::detail::fnv1a("number")},
                                     "\x06number")));
    CHECK(r.type_text(remora::detail::fnv1a("number")) == "\"number\"");
    CHECK(r.type_text(1) == "an unnamed type (tag 1)");
}

TEST_CASE("a control pipe takes its own frames only") {
    frame_reader r(remora::detail::frame_kinds::control, remora::detail::control_limits);
    CHECK(frame_failure(r, frame_bytes({.kind = frame_kind::goodbye})).code == std::error_code());
    CHECK(frame_failure(r, frame_bytes({.kind = frame_kind::message})).code ==
          code(errc::protocol_error));
    CHECK(frame_failure(r, frame_with(frame_kind::window, 0, std::uint64_t{7})).code ==
          code(errc::protocol_error));
}

// Pieces.

TEST_CASE("pieces and the last part are one payload, with the name at its beginning") {
    auto r = make_reader();
    const auto tag = remora::detail::fnv1a("ab");
    frame_header last{.kind = frame_kind::reply,
                      .flags = frame_header::joined | frame_header::named,
                      .id = 3,
                      .tag = tag};
    const auto frames =
        read_all(r, as_bytes(piece_of(3, "\x02") + piece_of(3, "ab1") +
                             frame_bytes({.kind = frame_kind::reply, .id = 9}, "x") +
                             frame_bytes(last, "23")));
    REQUIRE(frames.size() == 2);
    CHECK(frames[0].payload == "x");
    CHECK(frames[1] == read_back{frame_kind::reply, 3, "ab", "123"});
    CHECK(r.type_text(tag) == "\"ab\"");
}

TEST_CASE("a joined frame counts as long as its pieces for what it costs, not for the input") {
    auto r = make_reader();
    std::size_t consumed = 0;
    CHECK(r.read(as_bytes(piece_of(3, "1234567")), true, consumed) == found::piece);
    const bytes last = as_bytes(last_of(3, "89"));
    CHECK(r.read(last, true, consumed) == found::head);
    CHECK(r.head()->size() == frame_header::size + 9);
    CHECK(r.head_size() == last.size());
    CHECK(r.pop() == last.size());
}

TEST_CASE("pieces that do not belong together are an error") {
    for (const std::string& input :
         {piece_of(1, "a") + piece_of(2, "b"), piece_of(1, "a") + last_of(2, "b"), last_of(1, "a"),
          piece_of(1, ""), piece_of(1, "a") + piece_of(1, "b", frame_header::of_sender),
          piece_of(1, "a") + last_of(1, "b") + last_of(1, "c")}) {
        auto r = make_reader();
        CHECK(failure_of([&] { read_all(r, as_bytes(input)); }).code == code(errc::protocol_error));
    }
}

TEST_CASE("pieces have no place where they were not agreed, and on the control pipe") {
    auto r = make_reader(false);
    CHECK(frame_failure(r, piece_of(1, "a")).code == code(errc::protocol_error));
    CHECK(frame_failure(r, last_of(1, "a")).code == code(errc::protocol_error));
    frame_reader control(remora::detail::frame_kinds::control, remora::detail::control_limits);
    CHECK(frame_failure(control, piece_of(1, "a")).code == code(errc::protocol_error));
}

TEST_CASE("pieces are held to the limit of a value, before and when they are joined") {
    auto r = make_reader(true, 1000);
    const std::string part(400, 'x');
    const auto over = failure_of([&] {
        read_all(r, as_bytes(piece_of(1, part) + piece_of(1, part) + piece_of(1, part) +
                             piece_of(1, part)));
    });
    CHECK(over.code == code(errc::message_too_large));
    auto joined = make_reader(true, 1000);
    const auto last = failure_of([&] {
        read_all(joined, as_bytes(piece_of(1, part) + piece_of(1, part) + last_of(1, part)));
    });
    CHECK(last.code == code(errc::message_too_large));
    CHECK(last.has("1200"));
}

}  // namespace
