// SPDX-License-Identifier: MIT
// The conformance suite of pipes: waiting, time limits, cancelling, and the death of the peer.
#include "support/coroutine.hpp"
#include "support/messages.hpp"
#include "support/pairs.hpp"

#include <remora/pipe.hpp>

namespace {

using namespace test;
using remora::errc;
using remora::pipe;

asio::awaitable<void> send_numbers(pipe& p, std::int64_t count) {
    for (number n{0}; n.value < count; ++n.value)
        co_await p.send(n);
}

TEST_CASE("a receive that waits gets the message that comes") {
    over_every_transport([](pipe a, pipe b) -> asio::awaitable<void> {
        background waiting(b.get_executor(), b.receive<number>());
        co_await settle();
        CHECK(!waiting.done());
        co_await a.send<number>(1);
        CHECK(!(co_await waiting.result()).code);
    });
}

TEST_CASE("a time limit ends the wait and loses nothing") {
    over_every_transport([](pipe a, pipe b) -> asio::awaitable<void> {
        CHECK((co_await failure_of(b.receive<number>({.timeout = 1ms}))).code ==
              code(errc::timed_out));
        CHECK((co_await failure_of(b.next<number>({.timeout = 0ms}))).code ==
              code(errc::timed_out));
        co_await a.send<number>(1);
        co_await b.readable();
        CHECK((co_await b.receive<number>({.timeout = 0ms})).value == 1);
    });
}

TEST_CASE("a receive that is cancelled consumes nothing") {
    over_every_transport([](pipe a, pipe b) -> asio::awaitable<void> {
        for (int i = 0; i < 100; ++i) {
            background waiting(b.get_executor(), b.receive<number>());
            if (i % 2 == 0) co_await settle();
            waiting.cancel();
            CHECK((co_await waiting.result()).code == asio::error::operation_aborted);
        }
        co_await a.send<number>(1);
        CHECK((co_await b.receive<number>()).value == 1);
    });
}

TEST_CASE("receives cancelled at random lose no message and repeat none") {
    over_every_transport([](pipe a, pipe b) -> asio::awaitable<void> {
        background sending(a.get_executor(), send_numbers(a, 3000));
        std::int64_t expected = 0;
        unsigned random = 1;
        number n;
        while (expected < 3000) {
            background taking(b.get_executor(), b.receive(n));
            random = random * 1103515245 + 12345;
            for (unsigned i = 0; i < ((random >> 16) & 3); ++i) {
                co_await asio::post(b.get_executor(), asio::use_awaitable);
            }
            taking.cancel();
            if ((co_await taking.result()).code) continue;
            REQUIRE(n.value == expected);
            ++expected;
        }
    });
}

TEST_CASE("a send on a full pipe waits for room") {
    over_every_transport([](pipe a, pipe b) -> asio::awaitable<void> {
        const blob big = make_blob(1, 2'000'000);
        background sending(a.get_executor(), a.send(big));
        co_await settle();
        CHECK(!sending.done());
        CHECK((co_await b.receive<blob>()).bytes == big.bytes);
        CHECK(!(co_await sending.result()).code);
    });
}

TEST_CASE("a cancelled send of which nothing has left is not sent") {
    over_every_transport([](pipe a, pipe b) -> asio::awaitable<void> {
        const blob first = make_blob(1, 2'000'000);
        const text second{"never"};
        background filling(a.get_executor(), a.send(first));
        background unwanted(a.get_executor(), a.send(second));
        background wanted(a.get_executor(), a.send<number>(3));
        co_await settle();
        unwanted.cancel();
        CHECK((co_await unwanted.result()).code == asio::error::operation_aborted);
        CHECK((co_await b.receive<blob>()).bytes == first.bytes);
        CHECK((co_await b.receive<number>()).value == 3);
        CHECK(!(co_await wanted.result()).code);
        co_await a.send(second);  // its type was not named to the peer yet
        CHECK((co_await failure_of(b.receive<number>())).has("\"text\""));
    });
}

TEST_CASE("a cancelled send whose first bytes have left is finished by the pipe") {
    over_every_transport([](pipe a, pipe b) -> asio::awaitable<void> {
        const blob big = make_blob(1, 2'000'000);
        background sending(a.get_executor(), a.send(big));
        co_await settle();
        sending.cancel();
        CHECK((co_await sending.result()).code == asio::error::operation_aborted);
        background more(a.get_executor(), a.send<number>(2));
        CHECK((co_await b.receive<blob>()).bytes == big.bytes);
        CHECK((co_await b.receive<number>()).value == 2);
    });
}

TEST_CASE("senders beyond the queue limit wait their turn, in order") {
    over_every_transport([](pipe a, pipe b) -> asio::awaitable<void> {
        const blob big = make_blob(1, 2'000'000);
        background filling(a.get_executor(), a.send(big));
        co_await settle();
        std::vector<background> line;
        for (int i = 0; i < 20; ++i)
            line.emplace_back(a.get_executor(), a.send<number>(i));
        co_await settle();
        line[3].cancel();
        co_await b.receive<blob>();
        for (int i = 0; i < 20; ++i) {
            if (i != 3) CHECK((co_await b.receive<number>()).value == i);
        }
        for (int i = 0; i < 20; ++i) {
            const auto ended = co_await line[static_cast<std::size_t>(i)].result();
            CHECK(static_cast<bool>(ended.code) == (i == 3));
        }
    });
}

TEST_CASE("many sends that are started in an order arrive in it") {
    over_every_transport([](pipe a, pipe b) -> asio::awaitable<void> {
        std::vector<number> numbers(500);
        std::vector<background> sends;
        for (std::size_t i = 0; i < numbers.size(); ++i) {
            numbers[i].value = static_cast<std::int64_t>(i);
            sends.emplace_back(a.get_executor(), a.send(numbers[i]));
        }
        for (std::int64_t i = 0; i < 500; ++i) {
            REQUIRE((co_await b.receive<number>()).value == i);
        }
    });
}

TEST_CASE("a loop of readable and skip lets others run now and then") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        auto [a, b] = remora::make_pipe_pair(io);
        const std::vector<number> many(1000);
        co_await a.send_all(many);
        bool ran = false;
        asio::post(b.get_executor(), [&ran] { ran = true; });
        for (int i = 0; i < 500; ++i) {
            co_await b.readable();
            CHECK(b.skip());
        }
        CHECK(ran);
    });
}

// How often others have their turn while `send` sends `count` values, one after the other.
template <class Send>
int turns_while(std::size_t count, Send send) {
    int turns = 0;
    test::run([&](asio::io_context& io) -> asio::awaitable<void> {
        auto [a, b] = shared_pair(io, std::size_t{1} << 20);  // there is room for all
        bool done = false;
        const auto others = [&]() -> asio::awaitable<void> {
            while (!done) {
                co_await asio::post(io, asio::use_awaitable);
                ++turns;
            }
        };
        background beside(io.get_executor(), others());
        co_await send(a, count);
        done = true;
        co_await beside.result();
    });
    return turns;
}

TEST_CASE("send_all lets others run after a number of values, and after each write") {
    const auto long_range = [](pipe& p, std::size_t count) -> asio::awaitable<void> {
        const std::vector<number> many(count);
        co_await p.send_all(many);
    };
    const auto short_ranges = [](pipe& p, std::size_t count) -> asio::awaitable<void> {
        const std::vector<number> few(10);
        for (std::size_t i = 0; i < count; i += few.size())
            co_await p.send_all(few);
    };
    const auto large_values = [](pipe& p, std::size_t count) -> asio::awaitable<void> {
        const std::vector<blob> many(count, make_blob(1, 70'000));
        co_await p.send_all(many);
    };
    CHECK(turns_while(10'000, long_range) >= 10'000 / 1024);
    CHECK(turns_while(10'000, short_ranges) >= 10);
    CHECK(turns_while(10, large_values) >= 10);
}

TEST_CASE("limits with which no pipe can work are refused") {
    asio::io_context io;
    for (const remora::pipe_limits bad :
         {remora::pipe_limits{.message = 0}, remora::pipe_limits{.message = 4095},
          remora::pipe_limits{.message = std::size_t{1} << 32}, remora::pipe_limits{.queue = 0}}) {
        const auto why = failure_of([&] { remora::make_pipe_pair(io, "pair", bad); });
        CHECK(why.code == code(errc::bad_option));
    }
}

TEST_CASE("readable tells that the next receive will not wait") {
    over_every_transport([](pipe a, pipe b) -> asio::awaitable<void> {
        background waiting(b.get_executor(), b.readable());
        co_await settle();
        CHECK(!waiting.done());
        co_await a.send<number>(1);
        CHECK(!(co_await waiting.result()).code);
        CHECK((co_await b.receive<number>({.timeout = 0ms})).value == 1);
        co_await a.close();
        co_await b.readable();
        CHECK(!co_await b.next<number>());
    });
}

TEST_CASE("sends that wait fail when the peer closes") {
    over_every_transport([](pipe a, pipe b) -> asio::awaitable<void> {
        const blob big = make_blob(1, 2'000'000);
        background sending(a.get_executor(), a.send(big));
        background behind(a.get_executor(), a.send<number>(1));
        co_await settle();
        co_await b.close();
        CHECK((co_await sending.result()).code == code(errc::closed));
        CHECK((co_await behind.result()).code == code(errc::closed));
        CHECK(!co_await a.next<number>());
        CHECK((co_await failure_of(a.send<number>(1))).code == code(errc::closed));
    });
}

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

TEST_CASE("a coroutine that finds everything at hand lets others run now and then") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        auto [a, b] = remora::make_pipe_pair(io);
        std::vector<number> many(1000);
        co_await a.send_all(many);
        int others = 0;
        auto other = [](int& count) -> asio::awaitable<void> {
            for (;;) {
                ++count;
                co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
            }
        };
        background running(b.get_executor(), other(others));
        for (int i = 0; i < 1000; ++i)
            co_await b.receive<number>();
        running.cancel();
        CHECK(others >= 10);
        CHECK(others <= 100);
        co_await running.result();
    });
}

TEST_CASE("a context that ends while operations wait leaves nothing behind") {
    auto io = std::make_unique<asio::io_context>();
    auto [a, b] = remora::make_pipe_pair(*io);
    const blob big = make_blob(1, 2'000'000);
    background sending(io->get_executor(), a.send(big));
    background behind(io->get_executor(), a.send<number>(1));
    background receiving(io->get_executor(), a.receive<number>());
    background closing(io->get_executor(), a.close());
    io->poll();
    {
        const pipe gone_a = std::move(a), gone_b = std::move(b);
    }
    CHECK(!sending.done());
}

}  // namespace
