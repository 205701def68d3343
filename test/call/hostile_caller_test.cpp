// SPDX-License-Identifier: MIT
// A pipe that serves, against a peer that calls as no pipe does, or reads no answer.
#include "call/bare_peer.hpp"

using namespace test;

namespace {

using remora::errc;
using remora::failure_kind;
using remora::pipe;
using remora::service;

TEST_CASE("the number of a call may not be used again, nor a smaller one") {
    for (const std::uint64_t again : {5, 4, 0}) {
        CAPTURE(again);
        against_bare_peer([again](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
            p.attach(adder());
            co_await check_serving(p, peer, 5);
            peer.write_request(again, add{1, 1});
            co_await check_closed(p, peer, errc::protocol_error, "the number of a call");
        });
    }
}

TEST_CASE("more unanswered calls than the window end the conversation and every handler") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        service s({.max_in_flight = 2});
        s.on(for_ever);
        p.attach(s);
        const auto window = co_await peer.next(frame_kind::window);
        CHECK(window.as<std::uint64_t>() == 2);
        peer.write_request(1, wait_for_ever{});
        peer.write_request(2, wait_for_ever{});
        while (p.counts().running_handlers != 2)
            co_await settle();
        peer.write_request(3, wait_for_ever{});
        co_await check_closed(p, peer, errc::protocol_error, "more unanswered calls");
    });
}

TEST_CASE("a request that does not decode is answered with the code, and the connection lives") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        p.attach(adder());
        peer.write(bare_peer::frame_of(frame_kind::request, 1, frame_header::of_sender,
                                       remora::type_tag_of<add>()));
        const auto f = co_await peer.next(frame_kind::failure);
        CHECK(f.header.id == 1);
        CHECK(f.header.flags == frame_header::named);
        const auto why = f.as<odd_failure>();
        CHECK(why.kind == 1);
        CHECK(why.category == 1);
        CHECK(why.code == static_cast<int>(errc::truncated));
        co_await check_serving(p, peer, 2);
    });
}

TEST_CASE("a request as a plain message, and a message as a request, have no handler") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        service s = adder();
        s.on([](number) { FAIL("called"); });
        p.attach(s);
        peer.write(frame_with(frame_kind::message, 0, add{1, 1}, remora::type_tag_of<add>()));
        peer.write_request(1, number{1});
        const auto f = co_await peer.next(frame_kind::failure);
        CHECK(f.as<odd_failure>().kind == static_cast<int>(failure_kind::unknown_request));
        co_await check_serving(p, peer, 2);
        CHECK(p.counts().dropped == 1);
    });
}

TEST_CASE("a message that does not decode is gone, and the connection lives") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        service s = adder();
        s.on([](number) { FAIL("called"); });
        p.attach(s);
        peer.write(bare_peer::frame_of(frame_kind::message, 0, 0, remora::type_tag_of<number>()));
        co_await check_serving(p, peer, 1);
    });
}

TEST_CASE("frames of calls have no place on a pipe without any") {
    for (int kind = 32; kind != 39; ++kind) {
        CAPTURE(kind);
        against_bare_peer([kind](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
            peer.write_number(static_cast<frame_kind>(kind), 1, 1, frame_header::of_sender);
            const auto failure = co_await failure_of(p.receive<number>());
            CHECK(failure.code == errc::protocol_error);
            CHECK(failure.has("no service is attached"));
            const auto reason = co_await peer.next_close();
            CHECK(reason.to_code() == errc::protocol_error);
        });
    }
}

TEST_CASE("a peer that calls and reads no answer is cut off at the window") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        int called = 0;
        service s({.max_in_flight = 8});
        s.on([&](echo) {
            ++called;
            return make_blob(1, 2'000'000);
        });
        p.attach(s);
        for (std::uint64_t id = 1; p.is_open(); ++id) {
            REQUIRE(id < 100);
            peer.write_request(id, echo{});
            co_await settle();
        }
        CHECK(called == 8);
        const auto reason = co_await peer.next_close();
        CHECK(reason.to_code() == errc::protocol_error);
        CHECK(reason.text.find("more unanswered calls") != std::string::npos);
    });
}

TEST_CASE("a peer that reads its answers late may go on calling") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        service s({.max_in_flight = 1});
        s.on([](echo e) { return make_blob(e.what.number, 2'000'000); });
        p.attach(s);
        for (std::uint64_t id = 1; id != 6; ++id) {
            peer.write_request(id, echo{{id, {}}});
            const auto answer = co_await peer.next(frame_kind::reply);
            CHECK(answer.header.id == id);
            CHECK(answer.as<blob>().number == id);
        }
        CHECK(p.is_open());
    });
}

TEST_CASE("an answer behind a message that was taken back has left when its bytes have") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        service s({.max_in_flight = 1});
        s.on([](add q) { return sum{q.a + q.b}; });
        p.attach(s);
        const blob large = make_blob(1, 1'200'000);  // a part of it stays
        background first(p.get_executor(), p.send(large));
        background second(p.get_executor(), p.send<number>(7));
        co_await settle();
        peer.write_request(1, add{20, 22});
        co_await settle();
        second.cancel();
        const auto answer = co_await peer.next_sum();
        CHECK(answer == 42);
        co_await check_serving(p, peer, 2);
    });
}

}  // namespace
