// SPDX-License-Identifier: MIT
// The conformance suite of pipes: bytes that come in pieces, that break off, and that are hostile.
#include "support/coroutine.hpp"
#include "support/messages.hpp"
#include "support/pairs.hpp"

#include <remora/pipe.hpp>

namespace {

using namespace test;
using remora::errc;

TEST_CASE("a peer that vanishes is a broken pipe, after what it had sent") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        auto [a, ends] = bare_pair(io);
        auto [twin, twin_ends] = bare_pair(io);
        co_await twin.send<number>(7);
        write_bytes(ends, read_bytes(twin_ends));
        ends = {};
        CHECK((co_await a.receive<number>()).value == 7);
        const auto why = co_await failure_of(a.next<number>());
        CHECK(why.code == code(errc::broken_pipe));
        CHECK(why.has("without closing"));
        CHECK((co_await failure_of(a.send<number>(1))).code == code(errc::broken_pipe));
    });
}

TEST_CASE(
    "a send that waits fails when the peer vanishes with messages unread in both directions") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        auto [a, ends] = bare_pair(io);
        auto [twin, twin_ends] = bare_pair(io);
        co_await twin.send<number>(7);
        write_bytes(ends, read_bytes(twin_ends));
        const blob big = make_blob(1, 2'000'000);
        background sending(a.get_executor(), a.send(big));
        co_await settle();
        CHECK(!sending.done());
        ends = {};
        CHECK((co_await sending.result()).code == code(errc::broken_pipe));
        CHECK((co_await a.receive<number>()).value == 7);
    });
}

TEST_CASE("death in the middle of a message is told as that") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        auto [a, ends] = bare_pair(io);
        auto [twin, twin_ends] = bare_pair(io);
        co_await twin.send<number>(7);
        const auto bytes = read_bytes(twin_ends);
        write_bytes(ends, std::span(bytes).first(bytes.size() - 1));
        background waiting(a.get_executor(), a.receive<number>());
        co_await settle();
        ends = {};
        CHECK((co_await waiting.result()).has("in the middle of a frame"));
    });
}

TEST_CASE("a sequence of messages split at every offset gives the same values") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        auto [source, recorded] = bare_pair(io);
        co_await source.send<number>(7);
        co_await source.send<text>("some text");
        co_await source.send<number>(8);
        const auto bytes = read_bytes(recorded);
        for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
            auto [p, ends] = bare_pair(io);
            write_bytes(ends, std::span(bytes).first(cut));
            background first(p.get_executor(), p.receive<number>());
            co_await settle();
            write_bytes(ends, std::span(bytes).subspan(cut));
            CHECK(!(co_await first.result()).code);
            CHECK((co_await p.receive<text>()).value == "some text");
            CHECK((co_await p.receive<number>()).value == 8);
        }
    });
}

TEST_CASE("messages that come byte by byte give the same values") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        auto [source, recorded] = bare_pair(io);
        co_await source.send<text>("some text");
        co_await source.send<number>(8);
        const auto bytes = read_bytes(recorded);
        auto [p, ends] = bare_pair(io);
        text got;
        background first(p.get_executor(), p.receive(got));
        for (const std::byte& byte : bytes) {
            write_bytes(ends, {&byte, 1});
            co_await settle();
        }
        CHECK(!(co_await first.result()).code);
        CHECK(got.value == "some text");
        CHECK((co_await p.receive<number>()).value == 8);
    });
}

TEST_CASE("garbage ends the conversation with a protocol error, and the peer is told") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        auto [a, ends] = bare_pair(io);
        write_bytes(ends, std::vector<std::byte>(100, std::byte{0xab}));
        co_await a.readable();
        CHECK((co_await failure_of(a.receive<number>())).code == code(errc::protocol_error));
        CHECK((co_await failure_of(a.receive<number>())).code == code(errc::protocol_error));
        CHECK((co_await failure_of(a.send<number>(1))).code == code(errc::closed));
        auto [b, b_ends] = bare_pair(io);
        write_bytes(b_ends, read_bytes(ends));
        const auto told = co_await failure_of(b.next<number>());
        CHECK(told.code == code(errc::protocol_error));
        CHECK(told.has("unknown bits"));
    });
}

TEST_CASE("frames of unknown kinds that may be skipped are, and others run meanwhile") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        auto [a, ends] = bare_pair(io);
        auto [twin, twin_ends] = bare_pair(io);
        std::vector<std::byte> bytes(1000 * remora::detail::frame_header::size);
        for (std::size_t at = 0; at < bytes.size(); at += remora::detail::frame_header::size) {
            remora::detail::frame_header{.kind = remora::detail::frame_kind{200},
                                         .flags = remora::detail::frame_header::may_skip}
                .store(bytes.data() + at);
        }
        write_bytes(ends, bytes);
        co_await twin.send<number>(7);
        write_bytes(ends, read_bytes(twin_ends));
        background receiving(a.get_executor(), a.receive<number>());
        int turns = 0;
        for (; !receiving.done(); ++turns) {
            co_await asio::post(a.get_executor(), asio::use_awaitable);
        }
        CHECK(turns >= 10);
        CHECK(!(co_await receiving.result()).code);
    });
}

TEST_CASE("a frame of the control pipe on a connection is a protocol error, and ends it") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        auto [a, ends] = bare_pair(io);
        std::array<std::byte, remora::detail::frame_header::size> header;
        remora::detail::frame_header{.kind = remora::detail::frame_kind::hello}.store(
            header.data());
        write_bytes(ends, header);
        CHECK((co_await failure_of(a.receive<number>())).code == code(errc::protocol_error));
        CHECK(!a.is_open());
    });
}

TEST_CASE("a frame of an unknown kind that may not be skipped is a protocol error") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        auto [a, ends] = bare_pair(io);
        std::array<std::byte, remora::detail::frame_header::size> header;
        remora::detail::frame_header{.kind = remora::detail::frame_kind{200}}.store(header.data());
        write_bytes(ends, header);
        const auto why = co_await failure_of(a.receive<number>());
        CHECK(why.code == code(errc::protocol_error));
        CHECK(why.has("a frame of kind 200"));
    });
}

TEST_CASE("a frame that claims more than the limit is refused before it arrives") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        for (const std::uint32_t length : {(16u << 20) + 1, 1u << 31, 0xffffffffu}) {
            auto [a, ends] = bare_pair(io);
            std::array<std::byte, remora::detail::frame_header::size> header;
            remora::detail::frame_header{.length = length,
                                         .kind = remora::detail::frame_kind::message}
                .store(header.data());
            write_bytes(ends, header);
            const auto why = co_await failure_of(a.receive<number>());
            CHECK(why.code == code(errc::message_too_large));
            CHECK(why.has(std::to_string(length)));
        }
    });
}

}  // namespace
