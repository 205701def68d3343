// SPDX-License-Identifier: MIT
// Rings: the arithmetic of their indices, and what the other side may have written there.
#include "support/pairs.hpp"

#include "transport/ring.hpp"

#include <random>

namespace {

using namespace test;
using remora::errc;
using remora::detail::ring_indices;
using remora::detail::ring_reader;
using remora::detail::ring_writer;

// A ring of one page, mapped twice in a row, with both its sides.
struct small_ring {
    static constexpr std::size_t size = 4096;
    remora::detail::transport_parts one, other;
    ring_writer writer;
    ring_reader reader;
    ring_indices* indices;

    small_ring() {
        std::tie(one, other) = make_shared_ends(size);
        writer = one.rings.writer();
        reader = other.rings.reader();
        indices = &down_indices(one.rings);
    }
};

std::vector<std::byte> bytes_from(unsigned first, std::size_t count) {
    std::vector<std::byte> bytes(count);
    for (std::size_t i = 0; i < count; ++i)
        bytes[i] = static_cast<std::byte>((first + i) % 251);
    return bytes;
}

TEST_CASE("bytes leave a ring as they came, whatever the pieces") {
    small_ring ring;
    std::mt19937 random(1);
    std::size_t written = 0, read = 0;
    while (read < 1'000'000) {
        const auto piece = bytes_from(written % 251, random() % 6000);
        written += ring.writer.write(piece);
        const auto unread = ring.reader.unread();
        REQUIRE(unread.size() == written - read);
        const auto expected = bytes_from(read % 251, unread.size());
        REQUIRE(std::ranges::equal(unread, expected));
        const std::size_t taken = unread.empty() ? 0 : random() % (unread.size() + 1);
        random() % 2 == 0 ? ring.reader.release(taken) : ring.reader.release_now(taken);
        read += taken;
        if (ring.reader.unread().empty()) ring.reader.release_now(0);
    }
}

TEST_CASE("a ring takes what fits, and says how much that was") {
    small_ring ring;
    CHECK(ring.writer.write(bytes_from(0, 4000)) == 4000);
    CHECK(ring.writer.write(bytes_from(0, 4000)) == 96);
    CHECK(!ring.writer.has_room());
    CHECK(ring.writer.write(bytes_from(0, 1)) == 0);
    ring.reader.unread();
    ring.reader.release(10);
    CHECK(!ring.writer.has_room());  // not worth telling
    ring.reader.release_now(0);
    CHECK(ring.writer.has_room());
    CHECK(ring.writer.write(bytes_from(0, 4000)) == 10);
    ring.reader.unread();
    ring.reader.release(512);
    CHECK(ring.writer.has_room());
}

TEST_CASE("a reader that sleeps is woken once") {
    small_ring ring;
    CHECK(!ring.writer.must_wake());
    ring.reader.sleeps(true);
    CHECK(ring.writer.must_wake());
    CHECK(!ring.writer.must_wake());
    ring.reader.sleeps(true);
    ring.reader.sleeps(false);
    CHECK(!ring.writer.must_wake());
}

TEST_CASE("a writer that sleeps is woken when there is room worth waking for, or for any") {
    small_ring ring;
    ring.writer.write(bytes_from(0, small_ring::size));
    ring.writer.sleeps(true);
    ring.reader.unread();
    CHECK(!ring.reader.must_wake(false));
    ring.reader.release(1023);
    CHECK(!ring.reader.must_wake(false));
    ring.reader.release_now(1);
    CHECK(ring.reader.must_wake(false));
    CHECK(!ring.reader.must_wake(true));
    ring.writer.sleeps(true);
    CHECK(ring.reader.must_wake(true));
}

TEST_CASE("a head that is none is told, and nothing is read by it") {
    for (const std::uint64_t head : {4097ull, 99ull, ~0ull, 1ull << 63}) {
        CAPTURE(head);
        small_ring ring;
        ring.writer.write(bytes_from(0, 100));
        CHECK(ring.reader.unread().size() == 100);
        ring.indices->head.store(head);
        CHECK(failure_of([&] { ring.reader.unread(); }).code == code(errc::protocol_error));
    }
}

TEST_CASE("a tail that is none is told, and nothing is written by it") {
    for (const std::uint64_t tail : {4147ull, 49ull, ~0ull, 1ull << 63}) {
        CAPTURE(tail);
        small_ring ring;
        ring.writer.write(bytes_from(0, 4096));
        ring.reader.unread();
        ring.reader.release_now(50);
        CHECK(ring.writer.write(bytes_from(0, 50)) == 50);
        ring.indices->tail.store(tail);
        const auto more = bytes_from(0, 10);
        CHECK(failure_of([&] { ring.writer.write(more); }).code == code(errc::protocol_error));
        CHECK(failure_of([&] { ring.writer.has_room(); }).code == code(errc::protocol_error));
    }
}

}  // namespace
