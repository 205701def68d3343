// SPDX-License-Identifier: MIT
// A pipe that calls, with streams in either direction, against a peer that answers as no service
// does.
#include "call/bare_peer.hpp"

using namespace test;

namespace {

using remora::errc;
using remora::failure_kind;
using remora::pipe;
using remora::stream;
using remora::detail::stream_window;

/// A stream of the pipe, and the number of its call.
asio::awaitable<std::pair<stream<number>, std::uint64_t>> open_stream(pipe& p, bare_peer& peer) {
    auto numbers = co_await p.stream<count_up>(100);
    const auto id = co_await peer.next_call();
    co_return std::pair(std::move(numbers), id);
}

TEST_CASE("items beyond the credit end the conversation") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        auto [numbers, id] = co_await open_stream(p, peer);
        constexpr std::size_t piece = 16 << 10;
        for (int i = 0; i != stream_window / static_cast<int>(piece); ++i) {
            peer.write(blob_item(id, piece - frame_header::size));
            co_await settle();
        }
        CHECK(p.counts().calls == 1);
        CHECK(p.is_open());
        peer.write_item(id, 1);
        co_await check_closed(p, peer, errc::protocol_error, "more than its credit");
    });
}

TEST_CASE("an item after the end of a stream ends the conversation") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        auto [numbers, id] = co_await open_stream(p, peer);
        peer.write_item(id, 7);
        peer.write_empty(frame_kind::end, id);
        peer.write_item(id, 8);
        co_await check_closed(p, peer, errc::protocol_error, "an item after the answer");
        const auto item = co_await numbers.next();
        REQUIRE(item);
        CHECK(item->value == 7);
        const auto none = co_await numbers.next();
        CHECK(!none);
    });
}

TEST_CASE("a reply to a call for a stream ends the conversation, and the stream fails") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        auto [numbers, id] = co_await open_stream(p, peer);
        peer.write_item(id, 7);
        peer.write_reply(id, 8);
        co_await check_closed(p, peer, errc::protocol_error,
                              "a value, as the answer to count_up, whose reply is a stream here");
        const auto item = co_await numbers.next();
        CHECK(item);
        const auto failed = co_await outcome_of(numbers.next());
        CHECK(failed.kind == failure_kind::gone);
        CHECK(failed.code == errc::protocol_error);
    });
}

TEST_CASE("items of another type fail their stream only, however many there are") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        auto [numbers, id] = co_await open_stream(p, peer);
        peer.write_item(id, 7);
        const auto item =
            bare_peer::frame_of(frame_kind::item, id, 0, 12345, payload_of(number{1}));
        peer.write(item + item + item);
        const auto first = co_await numbers.next();
        CHECK(first);
        const auto failed = co_await outcome_of(numbers.next());
        CHECK(failed.code == errc::type_mismatch);
        peer.write(item);
        peer.write_empty(frame_kind::end, id);
        co_await check_calling(p, peer);
    });
}

TEST_CASE("an item that does not decode is gone, and the stream goes on") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        auto [numbers, id] = co_await open_stream(p, peer);
        peer.write(bare_peer::frame_of(frame_kind::item, id, 0, remora::type_tag_of<number>()));
        peer.write_item(id, 7);
        const auto failed = co_await outcome_of(numbers.next());
        CHECK(failed.code == errc::truncated);
        const auto item = co_await numbers.next();
        REQUIRE(item);
        CHECK(item->value == 7);
        peer.write_empty(frame_kind::end, id);
        co_await check_calling(p, peer);
    });
}

TEST_CASE("items of a stream that was dropped are dropped, until its end") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        std::uint64_t id = 0;
        {
            auto [numbers, number] = co_await open_stream(p, peer);
            id = number;
        }
        co_await peer.next(frame_kind::cancel);
        for (int i = 0; i != 10; ++i)
            peer.write_item(id, i);
        peer.write_empty(frame_kind::end, id);
        co_await check_calling(p, peer);
        CHECK(p.counts().dropped == 0);
    });
}

TEST_CASE("an upload that is not taken is cut off at its handler's answer") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        background call(p.get_executor(), p.call(add_up{}, numbers_up_to(1'000'000'000)));
        const auto id = co_await peer.next_call();
        const auto item = co_await peer.next(frame_kind::item);
        CHECK(item.header.id == id);
        CHECK(item.header.flags == (frame_header::of_sender | frame_header::named));
        peer.write_reply(id, 5);
        const auto failure = co_await call.result();
        CHECK(failure.text == "");
        co_await check_calling(p, peer);
    });
}

remora::generator<number> fail_later() {
    const auto executor = co_await asio::this_coro::executor;
    for (int i = 0; i != 100; ++i)
        co_await asio::post(executor, asio::use_awaitable);
    throw std::system_error(std::make_error_code(std::errc::no_space_on_device));
}

TEST_CASE("a stream whose upload has failed fails before its peer answers") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        const double_each q;
        auto numbers = co_await p.stream(q, fail_later());
        const auto id = co_await peer.next_call();
        const auto failed = co_await outcome_of(numbers.next());
        CHECK(failed.code == std::errc::no_space_on_device);
        peer.write_empty(frame_kind::end, id);
        co_await check_calling(p, peer);
    });
}

}  // namespace
