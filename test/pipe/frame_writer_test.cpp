// SPDX-License-Identifier: MIT
// How frames are queued, taken back and cut: bytes only, no descriptor.
#include "pipe/frame_bytes.hpp"

namespace {

using namespace test;
using remora::errc;

constexpr std::size_t limit = 1u << 20;
constexpr std::size_t piece = remora::detail::large_frames::piece;

frame_writer cutting_writer() {
    frame_writer w(limit);
    w.cut_large_frames();
    return w;
}

// Kinds and ids, as "request 1".
std::string outline(const std::vector<read_back>& frames) {
    std::string text;
    for (const auto& f : frames) {
        text += text.empty() ? "" : ", ";
        text += f.kind == frame_kind::message  ? "message "
                : f.kind == frame_kind::reply  ? "reply "
                : f.kind == frame_kind::item   ? "item "
                : f.kind == frame_kind::end    ? "end "
                : f.kind == frame_kind::cancel ? "cancel "
                                               : "request ";
        text += std::to_string(f.id);
    }
    return text;
}

TEST_CASE("frames leave in the order in which they were queued, whatever is written at once") {
    for (const std::size_t at_once : {1, 7, 24, 1000}) {
        frame_writer w(limit);
        put(w, frame_kind::message, 0, "one");
        put(w, frame_kind::message, 0, "two");
        bytes all;
        while (w.queued() != 0) {
            const bytes some = write_some(w, at_once);
            all.insert(all.end(), some.begin(), some.end());
        }
        auto r = make_reader();
        const auto frames = read_all(r, all);
        REQUIRE(frames.size() == 2);
        CHECK(frames[0].payload == "one");
        CHECK(frames[1].payload == "two");
    }
}

TEST_CASE("the first frame of a type names it, and the next ones do not") {
    frame_writer w(limit);
    for (int i = 0; i < 2; ++i)
        put(w, frame_kind::message, 0, "x", remora::detail::fnv1a("a"), "a");
    auto r = make_reader();
    const auto frames = read_all(r, write_all(w));
    REQUIRE(frames.size() == 2);
    CHECK(frames[0].name == "a");
    CHECK(frames[1].name.empty());
}

TEST_CASE("after a frame was taken back the next one of its type has the name") {
    for (const bool queued : {true, false}) {
        frame_writer w(limit);
        auto p = w.begin_frame(frame_kind::message, 0, remora::detail::fnv1a("a"), "a");
        if (queued) {
            w.end_frame(p);
            CHECK(w.withdraw(p));
        } else {
            w.drop_frame(p);
        }
        CHECK(w.queued() == 0);
        put(w, frame_kind::message, 0, "x", remora::detail::fnv1a("a"), "a");
        auto r = make_reader();
        CHECK(read_all(r, write_all(w)).at(0).name == "a");
    }
}

TEST_CASE("a frame whose first byte was written is not taken back") {
    frame_writer w(limit);
    const auto p = put(w, frame_kind::message, 0, "one");
    const auto next = put(w, frame_kind::message, 0, "two");
    write_some(w, 1);
    CHECK(!w.withdraw(p));
    CHECK(w.withdraw(next));
    auto r = make_reader();
    CHECK(w.queued() == p.size - 1);
}

TEST_CASE("frames that are taken back, one or several at once, are not counted") {
    frame_writer w(limit);
    put(w, frame_kind::message, 0, "one");
    const auto item = put(w, frame_kind::item, 1, "two");
    auto batch = put(w, frame_kind::message, 0, "three");
    batch.end = put(w, frame_kind::message, 0, "and four").end;
    CHECK(w.counts().messages == 3);
    CHECK(w.counts().items == 1);
    CHECK(w.withdraw(batch));
    CHECK(w.counts().messages == 1);
    CHECK(w.withdraw(item));
    CHECK(w.counts().items == 0);
    const auto left = write_all(w);
    CHECK(w.bytes() == left.size());
}

TEST_CASE("a frame that is refused is not counted") {
    frame_writer w(10);
    auto p = w.begin_frame(frame_kind::message);
    w.out().extend(11);
    CHECK(failure_of([&] { w.end_frame(p); }).code == code(errc::message_too_large));
    w.drop_frame(p);
    CHECK(w.counts().messages == 0);
}

TEST_CASE("a value over the limit is refused with its size, without its name") {
    frame_writer w(10);
    auto p = w.begin_frame(frame_kind::message, 0, remora::detail::fnv1a("long name"), "long name");
    w.out().extend(10);
    w.end_frame(p);
    auto next = w.begin_frame(frame_kind::message);
    w.out().extend(11);
    const auto refused = failure_of([&] { w.end_frame(next); });
    CHECK(refused.code == code(errc::message_too_large));
    CHECK(refused.has("11 bytes, the limit is 10"));
}

TEST_CASE("positions go on when all was written, or dropped") {
    frame_writer w(limit);
    const auto one = put(w, frame_kind::message, 0, "one");
    write_all(w);
    CHECK(w.written() == one.end);
    const auto two = put(w, frame_kind::message, 0, "two");
    CHECK(two.begin == one.end);
    w.drop_all();
    CHECK(w.written() == two.end);
    CHECK(w.queued() == 0);
}

// Pieces.

TEST_CASE("a large frame of a call leaves in pieces, and other frames go between them") {
    auto w = cutting_writer();
    const auto p = put(w, frame_kind::reply, 1, filled(10 * piece), 5);
    CHECK(p.size == frame_header::size + 10 * piece);
    const bytes first = write_some(w, limit);
    put(w, frame_kind::reply, 2, "small");
    bytes all = write_all(w);
    all.insert(all.begin(), first.begin(), first.end());
    auto r = make_reader();
    const auto frames = read_all(r, all);
    CHECK(outline(frames) == "reply 2, reply 1");
    CHECK(frames.at(1).payload == filled(10 * piece));
}

TEST_CASE("what a payload may be without pieces is sent in one") {
    auto w = cutting_writer();
    put(w, frame_kind::reply, 1, filled(piece));
    CHECK(write_some(w, limit).size() == frame_header::size + piece);
    put(w, frame_kind::reply, 2, filled(piece + 1));
    CHECK(write_some(w, limit).size() == frame_header::size + piece);
    CHECK(write_some(w, limit).size() == frame_header::size + 1);
    CHECK(w.queued() == 0);
}

TEST_CASE("messages are not cut, nor is anything where it was not agreed") {
    auto w = cutting_writer();
    put(w, frame_kind::message, 0, filled(3 * piece));
    CHECK(write_some(w, limit).size() == frame_header::size + 3 * piece);
    frame_writer whole(limit);
    put(whole, frame_kind::reply, 1, filled(3 * piece));
    CHECK(write_some(whole, limit).size() == frame_header::size + 3 * piece);
}

TEST_CASE("what belongs to the call of a large frame stays behind it") {
    auto w = cutting_writer();
    const auto sender = frame_header::of_sender;
    put(w, frame_kind::request, 7, filled(2 * piece), 0, {}, sender);
    put(w, frame_kind::item, 7, "a", 0, {}, sender);
    put(w, frame_kind::cancel, 7, "", 0, {}, sender);
    put(w, frame_kind::reply, 7, "of the other end's call");
    put(w, frame_kind::request, 8, "b", 0, {}, sender);
    put(w, frame_kind::message, 0, "c");
    auto r = make_reader();
    CHECK(outline(read_all(r, write_all(w))) ==
          "reply 7, request 8, message 0, request 7, item 7, cancel 7");
}

TEST_CASE("a value within a limit that is less than a piece is not cut") {
    frame_writer w(piece - 100);
    w.cut_large_frames();
    const std::string name = filled(200, 'n');
    put(w, frame_kind::reply, 1, filled(piece - 100), remora::detail::fnv1a(name), name);
    auto r = make_reader(true, piece - 100);
    const auto frames = read_all(r, write_all(w));
    REQUIRE(frames.size() == 1);
    CHECK(frames[0].payload.size() == piece - 100);
}

TEST_CASE("large frames of several calls leave one after the other") {
    auto w = cutting_writer();
    for (const std::uint64_t id : {1, 2, 3})
        put(w, frame_kind::item, id, filled(2 * piece + id, static_cast<char>('a' + id)));
    put(w, frame_kind::end, 2, "");
    auto r = make_reader();
    const auto frames = read_all(r, write_all(w));
    CHECK(outline(frames) == "item 1, item 2, item 3, end 2");
    CHECK(frames.at(2).payload == filled(2 * piece + 3, 'd'));
}

TEST_CASE("calls with many large frames take turns, and the last frame of all is the last") {
    auto w = cutting_writer();
    for (int i = 0; i < 3; ++i)
        put(w, frame_kind::item, 1, filled(2 * piece));
    put(w, frame_kind::reply, 2, filled(2 * piece));
    put(w, frame_kind::close, 0, "");
    auto r = make_reader();
    CHECK(outline(read_all(r, write_all(w))) == "item 1, reply 2, item 1, item 1");
    CHECK(r.at_clean_end());
}

TEST_CASE("a stream whose next large item is queued before the last one has left goes on so") {
    auto w = cutting_writer();
    bytes all;
    put(w, frame_kind::item, 1, filled(2 * piece, 'a'));
    for (char c = 'b'; c != 'z'; ++c) {
        put(w, frame_kind::item, 1, filled(2 * piece, c));
        for (int i = 0; i < 2; ++i) {
            const bytes some = write_some(w, all.max_size());
            all.insert(all.end(), some.begin(), some.end());
        }
    }
    const bytes rest = write_all(w);
    all.insert(all.end(), rest.begin(), rest.end());
    auto r = make_reader();
    const auto frames = read_all(r, all);
    REQUIRE(frames.size() == 25);
    for (std::size_t i = 0; i < 25; ++i)
        CHECK(frames[i].payload == filled(2 * piece, static_cast<char>('a' + i)));
}

TEST_CASE("how long a caller waits goes with its large request") {
    auto w = cutting_writer();
    const auto flags = frame_header::of_sender | frame_header::may_skip;
    put(w, frame_kind::time_left, 1, "123456789", 0, {}, flags);
    put(w, frame_kind::request, 1, filled(2 * piece), 0, {}, frame_header::of_sender);
    put(w, frame_kind::time_left, 2, "123456789", 0, {}, flags);
    put(w, frame_kind::request, 2, "small", 0, {}, frame_header::of_sender);
    auto r = make_reader();
    const auto frames = read_all(r, write_all(w));
    REQUIRE(frames.size() == 4);
    CHECK(frames[0].id == 2);
    CHECK(frames[1].id == 2);
    CHECK(frames[2].kind == frame_kind::time_left);
    CHECK(frames[3].payload.size() == 2 * piece);
}

TEST_CASE("of several large requests each follows the time that its caller waits") {
    auto w = cutting_writer();
    const auto flags = frame_header::of_sender | frame_header::may_skip;
    for (const unsigned id : {1u, 2u, 3u}) {
        put(w, frame_kind::time_left, id, "123456789", 0, {}, flags);
        put(w, frame_kind::request, id, filled(2 * piece), 0, {}, frame_header::of_sender);
    }
    auto r = make_reader();
    const auto frames = read_all(r, write_all(w));
    REQUIRE(frames.size() == 6);
    for (std::size_t i = 0; i < 6; ++i) {
        CHECK(frames[i].id == i / 2 + 1);
        CHECK(frames[i].kind == (i % 2 == 0 ? frame_kind::time_left : frame_kind::request));
    }
}

TEST_CASE("a type that a large frame was the first to name is named again by a small one") {
    auto w = cutting_writer();
    const auto tag = remora::detail::fnv1a("blob");
    put(w, frame_kind::reply, 1, filled(2 * piece), tag, "blob");
    put(w, frame_kind::reply, 2, "small", tag, "blob");
    auto r = make_reader();
    const auto frames = read_all(r, write_all(w));
    REQUIRE(frames.size() == 2);
    CHECK(frames[0].name == "blob");
    CHECK(frames[1].name == "blob");
    CHECK(frames[1].payload.size() == 2 * piece);
}

TEST_CASE("the last frame of all leaves behind the pieces") {
    auto w = cutting_writer();
    put(w, frame_kind::reply, 1, filled(3 * piece));
    put(w, frame_kind::close, 0, "");
    auto r = make_reader();
    CHECK(outline(read_all(r, write_all(w))) == "reply 1");
    CHECK(r.at_clean_end());
}

TEST_CASE("pieces that were dropped are not written") {
    auto w = cutting_writer();
    put(w, frame_kind::reply, 1, filled(3 * piece));
    write_some(w, 100);
    w.drop_all();
    CHECK(w.queued() == 0);
    CHECK(w.unwritten().empty());
}

}  // namespace
