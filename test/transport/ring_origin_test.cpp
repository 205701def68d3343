// SPDX-License-Identifier: MIT
// A ring that begins again at its first byte, once all is read.
#include "support/pairs.hpp"

#include "transport/ring.hpp"
#include "transport/shared_memory.hpp"
#include "wire/control_records.hpp"

#include <random>
#include <thread>

namespace {

using namespace test;
using remora::detail::rewind_after;
using remora::detail::ring_indices;
using remora::detail::ring_reader;
using remora::detail::ring_writer;

// A ring of 64 KiB with both its sides, and the memory where it begins.
struct moving_ring {
    static constexpr std::size_t size = std::size_t{64} << 10;
    remora::detail::transport_parts one, other;
    ring_writer writer;
    ring_reader reader;
    ring_indices* indices;
    const std::byte* first;

    moving_ring() {
        std::tie(one, other) = make_shared_ends(size);
        writer = one.rings.writer();
        reader = other.rings.reader();
        indices = &down_indices(one.rings);
        first = reader.unread().data();
    }
    void set_features() {
        writer.enable_origin();
        reader.enable_origin();
    }
    // The furthest that so many messages of 100 bytes come, each read before the next is written.
    std::ptrdiff_t furthest(int messages) {
        const std::vector<std::byte> message(100, std::byte{7});
        std::ptrdiff_t most = 0;
        for (int i = 0; i != messages; ++i) {
            writer.write(message);
            const auto unread = reader.unread();
            REQUIRE(std::ranges::equal(unread, message));
            most = std::max(most, unread.data() - first);
            reader.release(unread.size());
        }
        return most;
    }
};

TEST_CASE("a reader that keeps up has all messages in the first bytes of a ring") {
    moving_ring ring;
    ring.set_features();
    CHECK(ring.furthest(10'000) < 2 * static_cast<std::ptrdiff_t>(rewind_after));
    CHECK(ring.indices->origin != 0);
    CHECK(ring.indices->origin % 100 == 0);
}

TEST_CASE("the origin of a ring stays where only one side would move it") {
    moving_ring ring;
    SUBCASE("the reader") {
        ring.reader.enable_origin();
    }
    SUBCASE("neither") {
    }
    CHECK(ring.furthest(600) > static_cast<std::ptrdiff_t>(50 * 1024));
    CHECK(ring.indices->origin == 0);
}

TEST_CASE("a ring does not begin again while something is unread") {
    moving_ring ring;
    ring.set_features();
    const std::vector<std::byte> message(100);
    std::uint64_t origin = 0;
    for (int i = 0; i != 400; ++i) {
        ring.writer.write(message);
        ring.reader.unread();
        if (i != 0) ring.reader.release_now(100);  // one behind
        REQUIRE(ring.reader.unread().size() == 100);
        REQUIRE(ring.indices->origin == origin);
    }
}

// Another byte at each place, for many periods of any ring.
std::byte byte_at(std::uint64_t n) {
    return static_cast<std::byte>(n * 0x9e3779b97f4a7c15u >> 56);
}
std::vector<std::byte> stretch(std::uint64_t from, std::size_t count) {
    std::vector<std::byte> bytes(count);
    for (std::byte& b : bytes)
        b = byte_at(from++);
    return bytes;
}

TEST_CASE("bytes leave a ring whose origin moves as they came, whatever the pieces") {
    moving_ring ring;
    ring.set_features();
    std::mt19937 random(3);
    std::uint64_t written = 0, read = 0;
    int moves = 0;
    for (std::uint64_t origin = 0; read < 8'000'000;) {
        written += ring.writer.write(stretch(written, random() % (random() % 8 ? 600 : 40'000)));
        moves += std::exchange(origin, ring.indices->origin.load()) != origin ? 1 : 0;
        const auto unread = ring.reader.unread();
        REQUIRE(unread.size() == written - read);
        REQUIRE(std::ranges::equal(unread, stretch(read, unread.size())));
        const std::size_t taken = random() % 3 ? unread.size() : random() % (unread.size() + 1);
        ring.reader.release(taken);
        read += taken;
        if (ring.reader.unread().empty() && random() % 2) ring.reader.release_now(0);
    }
    CHECK(moves > 100);
}

TEST_CASE("a ring's origin moves while another thread reads") {
    moving_ring ring;
    ring.set_features();
    constexpr std::uint64_t all = 4'000'000;
    std::thread writing([&] {
        std::mt19937 random(5);
        for (std::uint64_t n = 0; n < all;) {
            const auto most = std::min<std::uint64_t>(all - n, 1 + random() % 700);
            n += ring.writer.write(stretch(n, most));
            const bool waits = random() % 16 == 0;
            while (waits && ring.indices->tail != n)
                std::this_thread::yield();
        }
    });
    bool same = true;
    for (std::uint64_t n = 0; n < all && same;) {
        const auto unread = ring.reader.unread();
        same = std::ranges::equal(unread, stretch(n, unread.size()));
        n += unread.size();
        ring.reader.release(unread.size());
        if (unread.empty()) ring.reader.release_now(0);
    }
    writing.join();
    CHECK(same);
    CHECK(ring.indices->origin != 0);
}

TEST_CASE("an origin that makes no sense leads nobody out of the ring") {
    moving_ring ring;
    std::mt19937_64 random(7);
    for (int i = 0; i != 10'000; ++i) {
        ring.indices->origin = random() >> random() % 64;
        ring.indices->head += 1 + random() % 300;
        const auto unread = ring.reader.unread();
        REQUIRE(unread.data() >= ring.first);
        REQUIRE(unread.data() < ring.first + moving_ring::size);
        ring.reader.release_now(unread.size());
    }
}

TEST_CASE("the origin is where the protocol's document says") {
    auto [one, other] = make_shared_ends(4096);
    down_indices(one.rings).origin = 0x0102;
    const auto* const page = static_cast<const unsigned char*>(other.rings.page());
    CHECK(std::string(page + 520, page + 528) == std::string("\x02\x01\0\0\0\0\0\0", 8));
}

// The origins of both rings after many questions and answers.
std::pair<std::uint64_t, std::uint64_t> origins_after_talk(std::uint64_t features) {
    asio::io_context io;
    auto [one, other] = make_shared_ends(moving_ring::size);
    const auto* const indices = static_cast<const ring_indices*>(one.rings.page());
    auto server = remora::detail::make_transport(io.get_executor(), std::move(one));
    auto app = remora::detail::make_transport(io.get_executor(), std::move(other));
    server->set_features(features);
    app->set_features(features);
    const auto pass_on = [](auto& from, auto& to, std::uint64_t n) {
        const auto message = stretch(n, 40);
        REQUIRE(from.write(message) == message.size());
        while (to.input().size() < message.size())
            to.fetch(1);
        REQUIRE(std::ranges::equal(to.input(), message));
        to.consume(message.size());
        to.fetch(1);  // is there more?
    };
    for (std::uint64_t i = 0; i != 1000; ++i) {
        pass_on(*app, *server, 2 * i);
        pass_on(*server, *app, 2 * i + 1);
    }
    return {indices[0].origin, indices[1].origin};
}

TEST_CASE("two sides that take turns move the origins, with the express line and without") {
    for (const std::uint64_t line : {std::uint64_t{0}, remora::wire::express}) {
        const auto [up, down] = origins_after_talk(remora::wire::origin | line);
        CHECK(up > 30'000);
        CHECK(down > 30'000);
        CHECK(origins_after_talk(line) == std::pair<std::uint64_t, std::uint64_t>(0, 0));
    }
}

}  // namespace
