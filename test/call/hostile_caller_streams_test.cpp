// SPDX-License-Identifier: MIT
// A pipe that serves, against a peer that calls for streams or uploads as no pipe does.
#include "call/bare_peer.hpp"

using namespace test;

namespace {

using remora::errc;
using remora::failure_kind;
using remora::pipe;
using remora::service;
using remora::stream;
using remora::detail::stream_window;

TEST_CASE("credit beyond what a stream has used ends the conversation and the stream") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        service s;
        s.on([](count_up q) { return numbers_up_to(q.count); });
        p.attach(s);
        peer.write_request(1, count_up{1'000'000'000});
        const auto item = co_await peer.next(frame_kind::item);
        CHECK(item.header.id == 1);
        peer.write_number(frame_kind::credit, 1, 1u << 30, frame_header::of_sender);
        co_await check_closed(p, peer, errc::protocol_error, "more credit");
    });
}

TEST_CASE("credit that is no number ends the conversation and the stream") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        service s;
        s.on([](count_up q) { return numbers_up_to(q.count); });
        p.attach(s);
        peer.write_request(1, count_up{1'000'000'000});
        co_await peer.next(frame_kind::item);
        peer.write(bare_peer::frame_of(frame_kind::credit, 1, frame_header::of_sender));
        co_await check_closed(p, peer, errc::truncated, "");
    });
}

TEST_CASE("credit, cancels and items of calls that are not there are passed over") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        p.attach(adder());
        co_await check_serving(p, peer, 1);
        for (const std::uint64_t id : {0, 1, 77}) {
            for (const std::uint8_t flags : {std::uint8_t{0}, frame_header::of_sender})
                peer.write_number(frame_kind::credit, id, 1, flags);
            peer.write_empty(frame_kind::cancel, id, frame_header::of_sender);
            peer.write_item(id, 1, frame_header::of_sender);
            peer.write_empty(frame_kind::end, id, frame_header::of_sender);
        }
        co_await check_serving(p, peer, 2);
        CHECK(p.counts().dropped == 0);
    });
}

TEST_CASE("items and credit for a handler that takes none are passed over") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        p.attach(adder());
        peer.write_request(1, wait_for_ever{});
        peer.write_item(1, 1, frame_header::of_sender);
        peer.write_number(frame_kind::credit, 1, 1000, frame_header::of_sender);
        peer.write_empty(frame_kind::end, 1, frame_header::of_sender);
        peer.write_empty(frame_kind::cancel, 1, frame_header::of_sender);
        const auto answer = co_await peer.next(frame_kind::failure);
        CHECK(answer.as<odd_failure>().kind == static_cast<int>(failure_kind::cancelled));
        co_await check_serving(p, peer, 2);
    });
}

/// A service whose uploads are added up, or not looked at.
service uploads() {
    service s = adder();
    s.on([](add_up, stream<number> numbers) -> asio::awaitable<sum> {
        sum s;
        while (const auto n = co_await numbers.next())
            s.value += n->value;
        co_return s;
    });
    s.on([](double_each, stream<number>) -> remora::generator<number> {
        asio::steady_timer timer(co_await asio::this_coro::executor,
                                 std::chrono::steady_clock::time_point::max());
        co_await timer.async_wait(asio::use_awaitable);
    });
    return s;
}

TEST_CASE("an item after the end of an upload ends the conversation") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        p.attach(uploads());
        peer.write_request(1, double_each{});
        peer.write_item(1, 1, frame_header::of_sender);
        peer.write_empty(frame_kind::end, 1, frame_header::of_sender);
        peer.write_item(1, 2, frame_header::of_sender);
        co_await check_closed(p, peer, errc::protocol_error, "an item after the end");
    });
}

TEST_CASE("an upload beyond its credit ends the conversation and the handler") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        p.attach(uploads());
        peer.write_request(1, double_each{});
        constexpr std::size_t piece = 16 << 10;
        for (int i = 0; i != stream_window / static_cast<int>(piece); ++i) {
            peer.write(blob_item(1, piece - frame_header::size, frame_header::of_sender));
            co_await settle();
        }
        CHECK(p.counts().running_handlers == 1);
        peer.write_item(1, 2, frame_header::of_sender);
        co_await check_closed(p, peer, errc::protocol_error, "more than its credit");
    });
}

TEST_CASE("an upload of another type fails its handler only, however many items there are") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        p.attach(uploads());
        peer.write_request(1, add_up{});
        const auto item = bare_peer::frame_of(frame_kind::item, 1, frame_header::of_sender, 12345,
                                              payload_of(number{1}));
        peer.write(item + item + item);
        peer.write_empty(frame_kind::end, 1, frame_header::of_sender);
        const auto f = co_await peer.next(frame_kind::failure);
        CHECK(f.as<odd_failure>().code == static_cast<int>(errc::type_mismatch));
        co_await check_serving(p, peer, 2);
    });
}

}  // namespace
