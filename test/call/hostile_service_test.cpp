// SPDX-License-Identifier: MIT
// A pipe that calls, against a peer that answers as no service does.
#include "call/bare_peer.hpp"

using namespace test;

namespace {

using remora::errc;
using remora::failure_kind;
using remora::pipe;

TEST_CASE("an answer to a call that was never made is dropped and counted") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        calling call(p, add{1, 1});
        const auto id = co_await peer.next_call();
        peer.write_reply(0, 7);
        peer.write_reply(id + 1, 7);
        peer.write_empty(frame_kind::end, 99);
        peer.write(bare_peer::frame_of(frame_kind::failure, 100));
        peer.write_item(101, 7);
        peer.write_reply(id, 2);
        const auto answer = co_await call.finish();
        REQUIRE(answer.value);
        CHECK(answer.value->value == 2);
        CHECK(p.counts().dropped == 5);
        co_await check_calling(p, peer);
    });
}

TEST_CASE("a second answer to a call ends the conversation, and the peer is told") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        co_await check_calling(p, peer);
        peer.write_reply(1, 3);
        co_await check_closed(p, peer, errc::protocol_error, "a second answer to call 1");
    });
}

TEST_CASE("a pending call fails with what another answer did to the conversation") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        co_await check_calling(p, peer);
        calling pending(p, add{1, 1});
        co_await peer.next_call();
        peer.write_reply(1, 3);
        const auto answer = co_await pending.finish();
        CHECK(answer.kind == failure_kind::gone);
        CHECK(answer.code == errc::protocol_error);
        co_await check_closed(p, peer, errc::protocol_error, "a second answer");
    });
}

TEST_CASE("an answer after a cancel is dropped, and is not a second one") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        calling call(p, add{1, 1});
        const auto id = co_await peer.next_call();
        call.cancel();
        const auto cancelled = co_await call.finish();
        CHECK(cancelled.code == asio::error::operation_aborted);
        const auto told = co_await peer.next(frame_kind::cancel);
        CHECK(told.header.id == id);
        CHECK(told.header.flags == frame_header::of_sender);
        CHECK(p.counts().calls == 1);
        peer.write_reply(id, 2);
        co_await check_calling(p, peer);
        CHECK(p.counts().dropped == 0);
        peer.write_reply(id, 2);
        co_await check_closed(p, peer, errc::protocol_error, "a second answer");
    });
}

TEST_CASE("a reply of another type fails its call only") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        calling call(p, add{1, 1});
        const auto id = co_await peer.next_call();
        peer.write(bare_peer::frame_of(frame_kind::reply, id, 0, 12345, payload_of(number{1})));
        const auto answer = co_await call.finish();
        CHECK(answer.code == errc::type_mismatch);
        CHECK(answer.text.find("add: its reply is an unnamed type (tag 12345), not sum; both "
                               "programs need the same `reply` of the request") !=
              std::string::npos);
        co_await check_calling(p, peer);
    });
}

TEST_CASE("a reply that does not decode fails its call only") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        calling call(p, add{1, 1});
        const auto id = co_await peer.next_call();
        peer.write(bare_peer::frame_of(frame_kind::reply, id, 0, remora::type_tag_of<sum>()));
        const auto answer = co_await call.finish();
        CHECK(answer.code == errc::truncated);
        CHECK(answer.text.find("add, its reply: ") != std::string::npos);
        co_await check_calling(p, peer);
    });
}

TEST_CASE("the end of a stream as the answer to a plain call ends the conversation") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        calling call(p, add{1, 1});
        const auto id = co_await peer.next_call();
        peer.write_empty(frame_kind::end, id);
        const auto answer = co_await call.finish();
        CHECK(answer.kind == failure_kind::gone);
        CHECK(answer.code == errc::protocol_error);
        co_await check_closed(p, peer, errc::protocol_error, "a stream");
    });
}

TEST_CASE("an item as the answer to a plain call ends the conversation") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        calling call(p, add{1, 1});
        const auto id = co_await peer.next_call();
        peer.write_item(id, 1);
        const auto answer = co_await call.finish();
        CHECK(answer.kind == failure_kind::gone);
        CHECK(answer.code == errc::protocol_error);
        co_await check_closed(p, peer, errc::protocol_error, "a stream");
    });
}

TEST_CASE("a value as the answer to a request without one ends the conversation") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        background call(p.get_executor(), p.call<remember>(1));
        const auto id = co_await peer.next_call();
        peer.write_reply(id, 1);
        const auto failure = co_await call.result();
        CHECK(failure.code == errc::protocol_error);
        co_await check_closed(p, peer, errc::protocol_error,
                              "a value, as the answer to remember, whose reply is void here; both "
                              "programs need the same `reply`");
    });
}

TEST_CASE("a window on a pipe without calls is passed over, and counts later") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        peer.allow_calls(3);
        peer.write(frame_with(frame_kind::message, 0, number{4}, remora::type_tag_of<number>()));
        const auto n = co_await p.receive<number>();
        CHECK(n.value == 4);
        calling one(p, add{1, 1}), two(p, add{1, 1}), three(p, add{1, 1}), four(p, add{1, 1});
        co_await settle();
        CHECK(p.counts().calls == 3);
        for (std::uint64_t id = 1; id <= 4; ++id) {
            const auto next = co_await peer.next_call();
            CHECK(next == id);
            peer.write_reply(id, 2);
        }
        co_await four.finish();
        CHECK(p.counts().calls == 0);
    });
}

TEST_CASE("a window of no calls holds them back until there is a larger one") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        calling first(p, add{1, 1});
        co_await peer.next_call();
        peer.allow_calls(0);
        calling second(p, add{1, 1});
        peer.write_reply(1, 2);
        co_await first.finish();
        co_await settle();
        CHECK(p.counts().calls == 0);
        peer.allow_calls(~std::uint64_t{0});
        const auto id = co_await peer.next_call();
        peer.write_reply(id, 2);
        co_await second.finish();
        co_await check_calling(p, peer);
    });
}

TEST_CASE("a window that is no number ends the conversation") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        calling call(p, add{1, 1});
        co_await peer.next_call();
        peer.write(bare_peer::frame_of(frame_kind::window, 0));
        const auto answer = co_await call.finish();
        CHECK(answer.kind == failure_kind::gone);
        CHECK(answer.code == errc::truncated);
        co_await check_closed(p, peer, errc::truncated, "");
    });
}

}  // namespace
