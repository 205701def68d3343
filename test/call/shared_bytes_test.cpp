// SPDX-License-Identifier: MIT
// Bytes that are sent as a reference, in messages, calls and streams; and where they travel
// instead.
#include "call/bare_peer.hpp"
#include "support/pairs.hpp"

#include <remora/pipe.hpp>
#include <remora/service.hpp>
#include <remora/shared_bytes.hpp>

#include <deque>
#include <set>

namespace test {

/// A field of bytes, as a reference and as other types.
struct picture {
    std::uint32_t width = 0;
    remora::shared_bytes pixels;
};
struct old_picture {
    std::uint32_t width = 0;
    std::vector<std::uint8_t> pixels;
};
template <class Bytes>
struct other_picture {
    std::uint32_t width = 0;
    Bytes pixels;
};
struct small_picture {
    std::uint32_t width = 0;
};
struct album {
    std::vector<remora::shared_bytes> pictures;
    std::map<std::string, remora::shared_bytes> by_name;
    std::optional<remora::shared_bytes> best;
};

struct develop {
    using reply = picture;
    picture negative;
};
struct sort_album {
    using reply = album;
    album unsorted;
};
struct film {
    using reply = remora::stream<picture>;
    std::int32_t count = 0;
};
struct add_light {
    using reply = std::uint64_t;
    using upload = picture;
};

}  // namespace test

template <>
inline constexpr std::string_view remora::type_name<test::old_picture> = "picture";
template <>
inline constexpr std::string_view remora::type_name<test::small_picture> = "picture";
template <class Bytes>
inline constexpr std::string_view remora::type_name<test::other_picture<Bytes>> = "picture";

namespace {

using namespace test;
using remora::errc;
using remora::pipe;
using remora::shared_bytes;

constexpr std::size_t size = 8192;
constexpr std::uint64_t range = 1u << 20;

shared_bytes filled_bytes(pipe& p, std::uint8_t with, std::size_t count = size) {
    auto made = p.allocate(count);
    std::ranges::fill(made, std::byte{with});
    return made;
}

bool is_filled(std::span<const std::byte> bytes, std::uint8_t with, std::size_t count = size) {
    return bytes.size() == count &&
           std::ranges::all_of(bytes, [=](std::byte b) { return b == std::byte{with}; });
}

/// Everything that `p` can lend is free: a block as large as that can be had.
bool all_is_free(pipe& p) {
    return p.allocate(range).is_shared();
}

/// With a pair that lends, one that cannot, and one whose ends have not agreed to.
void with_and_without_lending(const pair_body& body) {
    over([](asio::io_context& io) { return lending_pair(io); }, body);
    over([](asio::io_context& io) { return lending_pair(io, range, 0); }, body);
    over([](asio::io_context& io) { return remora::make_pipe_pair(io); }, body);
}

TEST_CASE("bytes that were allocated arrive, whatever the pipe stands on") {
    over_every_transport([](pipe a, pipe b) -> asio::awaitable<void> {
        background sending(a.get_executor(), a.send<picture>(640u, filled_bytes(a, 7)));
        const auto got = co_await b.receive<picture>();
        CHECK(got.width == 640);
        CHECK(is_filled(got.pixels, 7));
        CHECK(!(co_await sending.result()).code);
    });
}

TEST_CASE("over shared memory the receiver reads the sender's bytes, and the message is small") {
    over([](asio::io_context& io) { return lending_pair(io); },
         [](pipe a, pipe b) -> asio::awaitable<void> {
             auto made = a.allocate(size);
             REQUIRE(made.is_shared());
             std::byte* const at = made.data();
             std::ranges::fill(made, std::byte{7});
             co_await a.send<picture>(640u, std::move(made));
             const auto got = co_await b.receive<picture>();
             CHECK(got.pixels.is_shared());
             CHECK(is_filled(got.pixels, 7));
             const auto copied = got.pixels.copy();
             *at = std::byte{8};  // as a hostile sender would
             CHECK(got.pixels.data()[0] == std::byte{8});
             CHECK(copied[0] == std::byte{7});
         });
}

TEST_CASE("a message of any size can be lent, and one that travels has to fit the limit") {
    const auto send = [](pipe a, pipe b) -> asio::awaitable<void> {
        auto made = a.allocate(20u << 20);
        const bool is_lent = made.is_shared();
        const picture large{1, std::move(made)};
        const auto failure = co_await failure_of(a.send(large));
        CHECK(failure.code == (is_lent ? std::error_code() : code(errc::message_too_large)));
        if (!is_lent) co_return;
        const auto got = co_await b.receive<picture>();
        CHECK(got.pixels.size() == 20u << 20);
    };
    over([](asio::io_context& io) { return lending_pair(io, 32u << 20); }, send);
    over([](asio::io_context& io) { return remora::make_pipe_pair(io); }, send);
}

TEST_CASE("the memory is used again once both ends have dropped the bytes") {
    over([](asio::io_context& io) { return lending_pair(io); },
         [](pipe a, pipe b) -> asio::awaitable<void> {
             CHECK(all_is_free(a));
             co_await a.send<picture>(1u, filled_bytes(a, 1));
             CHECK(!all_is_free(a));
             {
                 const auto got = co_await b.receive<picture>();
                 CHECK(!all_is_free(a));
             }
             CHECK(all_is_free(a));
             CHECK(all_is_free(b));
         });
}

TEST_CASE("the same bytes can be sent many times, to the same pipe and to others, and back") {
    with_and_without_lending([](pipe a, pipe b) -> asio::awaitable<void> {
        auto [c, d] = remora::make_pipe_pair(a.get_executor());
        const bool lends = all_is_free(a);
        const picture twice{2, filled_bytes(a, 9)};
        co_await a.send(twice);
        co_await a.send(twice);
        co_await c.send(twice);
        const auto one = co_await b.receive<picture>();
        auto two = co_await b.receive<picture>();
        const auto other = co_await d.receive<picture>();
        CHECK((one.pixels.data() == two.pixels.data()) == lends);
        CHECK(!other.pixels.is_shared());
        CHECK(is_filled(other.pixels, 9));
        co_await b.send(two);  // a copy: it is not b's
        const auto back = co_await a.receive<picture>();
        CHECK(!back.pixels.is_shared());
        CHECK(is_filled(back.pixels, 9));
    });
}

TEST_CASE("one message may have many references, some of them to the same bytes") {
    with_and_without_lending([](pipe a, pipe b) -> asio::awaitable<void> {
        const shared_bytes one = filled_bytes(a, 1);
        album sent{
            {one, filled_bytes(a, 2), one, shared_bytes()}, {{"x", filled_bytes(a, 3)}}, one};
        sent.pictures.emplace_back(std::as_bytes(std::span("mine", 4)));
        co_await a.send(sent);
        const auto got = co_await b.receive<album>();
        CHECK(got.pictures == sent.pictures);
        CHECK(got.by_name == sent.by_name);
        CHECK(got.best == sent.best);
        CHECK(got.pictures[0].is_shared() == one.is_shared());
        CHECK((got.pictures[0].data() == got.best->data()) == one.is_shared());
        CHECK(!got.pictures[4].is_shared());
    });
}

TEST_CASE("the reader may have any other type for bytes, and so may the writer") {
    with_and_without_lending([](pipe a, pipe b) -> asio::awaitable<void> {
        const picture sent{3, filled_bytes(a, 5)};
        for (int i = 0; i != 5; ++i)
            co_await a.send(sent);
        const auto old = co_await b.receive<old_picture>();
        CHECK(is_filled(std::as_bytes(std::span(old.pixels)), 5));
        const auto text = co_await b.receive<other_picture<std::string>>();
        CHECK(text.pixels == std::string(size, '\5'));
        const auto queue = co_await b.receive<other_picture<std::deque<std::uint8_t>>>();
        CHECK(queue.pixels == std::deque<std::uint8_t>(size, 5));
        const auto set = co_await b.receive<other_picture<std::set<std::uint8_t>>>();
        CHECK(set.pixels == std::set<std::uint8_t>{5});
        const auto array = co_await b.receive<other_picture<std::array<char, size>>>();
        CHECK(is_filled(std::as_bytes(std::span(array.pixels)), 5));
        const old_picture before{4, std::vector<std::uint8_t>(size, 6)};
        co_await a.send(before);
        const auto now = co_await b.receive<picture>();
        CHECK(now.width == 4);
        CHECK(is_filled(now.pixels, 6));
        CHECK(!now.pixels.is_shared());
    });
}

TEST_CASE("bytes are a message of their own, of the type that vectors of bytes have") {
    with_and_without_lending([](pipe a, pipe b) -> asio::awaitable<void> {
        const shared_bytes sent = filled_bytes(a, 4);
        co_await a.send(sent);
        co_await a.send(sent);
        const auto got = co_await b.receive<shared_bytes>();
        CHECK(got == sent);
        const auto bytes = co_await b.receive<std::vector<std::byte>>();
        CHECK(is_filled(bytes, 4));
    });
}

TEST_CASE("what nobody decodes is given back") {
    over([](asio::io_context& io) { return lending_pair(io); },
         [](pipe a, pipe b) -> asio::awaitable<void> {
             co_await a.send<picture>(1u, filled_bytes(a, 1));
             co_await a.send<picture>(2u, filled_bytes(a, 2));
             co_await a.send<picture>(3u, filled_bytes(a, 3));
             CHECK(b.skip());
             const auto part = co_await b.receive<small_picture>();
             CHECK(part.width == 2);
             CHECK((co_await failure_of(b.receive<number>())).code == code(errc::type_mismatch));
             CHECK(!all_is_free(a));
             CHECK(b.skip());
             CHECK(all_is_free(a));
         });
}

TEST_CASE("beyond the limit, and where that is less, bytes travel") {
    over([](asio::io_context& io) { return lending_pair(io, 2 * size); },
         [](pipe a, pipe b) -> asio::awaitable<void> {
             const shared_bytes first = filled_bytes(a, 1);
             const shared_bytes second = filled_bytes(a, 2, size + 1);
             CHECK(first.is_shared());
             CHECK(!second.is_shared());
             CHECK(!a.allocate(4095).is_shared());
             CHECK(a.allocate(4096).is_shared());
             CHECK(a.allocate(0).size() == 0);
             const album sent{{first, second}, {}, {}};
             background sending(a.get_executor(), a.send(sent));
             const auto got = co_await b.receive<album>();
             CHECK(got.pictures == sent.pictures);
         });
}

TEST_CASE("a send that is cancelled before it begins lends nothing") {
    over([](asio::io_context& io) { return lending_pair(io); },
         [](pipe a, pipe b) -> asio::awaitable<void> {
             const blob large = make_blob(1, 200 << 10);
             background first(a.get_executor(), a.send(large));
             co_await settle();
             std::vector<picture> pictures;
             for (std::uint8_t i = 1; i != 4; ++i)
                 pictures.push_back({i, filled_bytes(a, i)});
             background second(a.get_executor(), a.send_all(pictures));
             co_await settle();
             pictures.clear();
             CHECK(!all_is_free(a));
             second.cancel();
             co_await second.result();
             const auto got = co_await b.receive<blob>();
             CHECK(got.number == 1);
             CHECK(!(co_await first.result()).code);
             CHECK(all_is_free(a));
         });
}

TEST_CASE("a value that cannot be encoded lends nothing") {
    over([](asio::io_context& io) { return lending_pair(io); },
         [](pipe a, pipe b) -> asio::awaitable<void> {
             album sent{
                 {filled_bytes(a, 1), shared_bytes(std::vector<std::byte>(17u << 20))}, {}, {}};
             CHECK((co_await failure_of(a.send(sent))).code == code(errc::message_too_large));
             sent = {};
             CHECK(all_is_free(a));
             co_await a.send<number>(5);
             CHECK((co_await b.receive<number>()).value == 5);
         });
}

remora::generator<picture> shoot(pipe& p, std::int32_t count) {
    for (std::int32_t i = 0; i != count; ++i) {
        const picture next{static_cast<std::uint32_t>(i),
                           filled_bytes(p, static_cast<std::uint8_t>(i))};
        co_yield next;
    }
}

remora::service studio(pipe& p) {
    remora::service s;
    s.on([&p](const develop& d) {
        auto positive = p.allocate(d.negative.pixels.size());
        std::ranges::transform(d.negative.pixels, positive.begin(), [](std::byte b) { return ~b; });
        return picture{d.negative.width + 1, std::move(positive)};
    });
    s.on([&p](film f) { return shoot(p, f.count); });
    s.on([](add_light, remora::stream<picture> pictures) -> asio::awaitable<std::uint64_t> {
        std::uint64_t sum = 0;
        while (const auto next = co_await pictures.next())
            for (const std::byte b : next->pixels)
                sum += std::to_integer<std::uint64_t>(b);
        co_return sum;
    });
    return s;
}

TEST_CASE("requests, replies and items have references in both directions") {
    with_and_without_lending([](pipe near, pipe far) -> asio::awaitable<void> {
        far.attach(studio(far));
        const bool lends = all_is_free(near);
        {
            const develop negative{{1, filled_bytes(near, 0x0f)}};
            const auto got = co_await near.call(negative);
            CHECK(got.width == 2);
            CHECK(is_filled(got.pixels, 0xf0));
            CHECK(got.pixels.is_shared() == lends);
        }
        auto film_stream = co_await near.stream<film>(30);
        for (std::uint8_t i = 0; i != 30; ++i) {
            const auto next = co_await film_stream.next();
            REQUIRE(next);
            CHECK(is_filled(next->pixels, i));
        }
        const auto sum = co_await near.call(add_light(), shoot(near, 20));
        CHECK(sum == 190 * size);
        co_await settle();
        CHECK(all_is_free(near) == lends);
        CHECK(all_is_free(far) == lends);
    });
}

TEST_CASE("a large request keeps its references when it leaves in pieces") {
    over([](asio::io_context& io) { return lending_pair(io); },
         [](pipe near, pipe far) -> asio::awaitable<void> {
             remora::service s;
             s.on([](const sort_album& q) { return q.unsorted; });
             far.attach(s);
             sort_album q;
             for (std::uint8_t i = 0; i != 3; ++i) {
                 q.unsorted.pictures.push_back(filled_bytes(near, i));
                 q.unsorted.pictures.emplace_back(std::vector<std::byte>(100'000, std::byte{i}));
             }
             {
                 const auto got = co_await near.call(q);
                 CHECK(got.pictures == q.unsorted.pictures);
             }
             q = {};
             co_await settle();
             CHECK(all_is_free(near));
         });
}

TEST_CASE("items that wait in a stream keep their bytes, and give them back when it is dropped") {
    over([](asio::io_context& io) { return lending_pair(io); },
         [](pipe near, pipe far) -> asio::awaitable<void> {
             far.attach(studio(far));
             {
                 auto pictures = co_await near.stream<film>(5);
                 co_await settle();
                 const auto first = co_await pictures.next();
                 REQUIRE(first);
                 CHECK(first->pixels.is_shared());
                 CHECK(!all_is_free(far));
             }
             co_await settle();
             CHECK(all_is_free(far));
         });
}

TEST_CASE("a reply that nobody waits for any more gives its bytes back") {
    over([](asio::io_context& io) { return lending_pair(io); },
         [](pipe near, pipe far) -> asio::awaitable<void> {
             far.attach(studio(far));
             develop negative{{1, filled_bytes(near, 1)}};
             background calling(near.get_executor(), near.call(std::move(negative)));
             co_await asio::post(near.get_executor(), asio::use_awaitable);
             calling.cancel();
             co_await calling.result();
             co_await settle();
             CHECK(all_is_free(near));
             CHECK(all_is_free(far));
         });
}

TEST_CASE("bytes outlive their pipe, on both sides") {
    asio::io_context io;
    shared_bytes mine, theirs, late;
    {
        auto [a, b] = lending_pair(io);
        asio::co_spawn(
            io,
            [&]() -> asio::awaitable<void> {
                mine = filled_bytes(a, 3);
                co_await a.send(mine);
                theirs = co_await b.receive<shared_bytes>();
                co_await a.close();
                co_await b.close();
                late = filled_bytes(a, 4);
            },
            asio::detached);
        io.run();
    }
    CHECK(theirs.is_shared());
    CHECK(!late.is_shared());
    mine = {};
    CHECK(is_filled(theirs, 3));
}

TEST_CASE("without a pipe bytes are encoded as they are, and a reference is refused") {
    const picture one{1, shared_bytes(std::as_bytes(std::span("abc", 3)))};
    remora::byte_buffer out;
    remora::encode(out, one);
    const auto bytes = remora::decode<picture>(out.bytes());
    CHECK(bytes.pixels == one.pixels);
    const std::string lent("\x40\xff\xff\xff\xff\1\0\0\0", 9);
    const auto message = std::as_bytes(std::span(lent));
    CHECK(failure_of([&] { remora::decode<shared_bytes>(message); }).code == code(errc::truncated));
    shared_bytes into;
    const std::vector<remora::detail::block_ref> loans{remora::detail::make_own_block(1)};
    const auto refused = failure_of([&] { remora::detail::decode_with(message, into, {}, loans); });
    CHECK(refused.code == code(errc::bad_value));
    CHECK(refused.has("bytes of loan 1, of which the message has 1"));
}

TEST_CASE("received bytes are charged to the budget before they are copied") {
    remora::byte_buffer out;
    remora::encode(out, shared_bytes(std::vector<std::byte>(1000)));
    const auto list = std::vector<shared_bytes>(100);
    CHECK(!failure_of([&] { remora::decode<shared_bytes>(out.bytes()); }).code);
    out.clear();
    remora::encode(out, std::vector<std::string>(200, "x"));
    const auto failure =
        failure_of([&] { remora::decode<std::vector<shared_bytes>>(out.bytes(), {.memory = 1}); });
    CHECK(failure.code == code(errc::over_budget));
}

TEST_CASE("a pipe that cannot borrow refuses a frame that lends") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        auto [near, ends] = bare_pair(io);
        bare_peer peer(std::move(ends));
        const std::string table(24, '\0');
        peer.write(bare_peer::frame_of(frame_kind::message, 0, 16, remora::type_tag_of<number>(),
                                       payload_of(number{1}) + table + std::string("\1\0\0\0", 4)));
        const auto failure = co_await failure_of(near.receive<number>());
        CHECK(failure.code == code(errc::protocol_error));
        CHECK(failure.has("nothing can be lent"));
    });
}

}  // namespace
