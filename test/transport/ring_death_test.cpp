// SPDX-License-Identifier: MIT
// Pipes over shared memory whose other side dies: in every state that its rings can be in.
#include "support/messages.hpp"
#include "support/pairs.hpp"

#include <algorithm>
#include <optional>

namespace {

using namespace test;

const std::error_code broken_pipe = remora::errc::broken_pipe;

// SIGKILL closes its descriptors, and leaves the shared memory as it is.
void die(remora::detail::transport_parts& peer) {
    peer.fifo = {};
}

asio::awaitable<std::vector<std::byte>> frame_of(asio::io_context& io, const blob& b) {
    auto [twin, ends] = bare_pair(io);
    co_await twin.send(b);
    co_return read_bytes(ends);
}

// So many bytes of a frame were shown, and perhaps the flag was taken, but no wake byte is sent.
asio::awaitable<void> check_writer_dies(asio::io_context& io, std::span<const std::byte> frame,
                                        std::size_t shown, bool receiver_sleeps, bool claimed) {
    CAPTURE(frame.size());
    CAPTURE(shown);
    CAPTURE(receiver_sleeps);
    CAPTURE(claimed);
    auto [one, other] = make_shared_ends(4096);
    auto a = make_pipe(io, std::move(one));
    std::optional<background> receiving;
    if (receiver_sleeps) {
        receiving.emplace(io.get_executor(), a.receive<blob>());
        co_await settle();
    }
    auto writer = other.rings.writer();
    REQUIRE(writer.write(frame.first(shown)) == shown);
    if (claimed) writer.must_wake();
    die(other);
    if (!receiver_sleeps) receiving.emplace(io.get_executor(), a.receive<blob>());
    const bool whole = shown == frame.size();
    CHECK((co_await receiving->result()).code == (whole ? std::error_code() : broken_pipe));
    CHECK((co_await failure_of(a.receive<blob>())).code == broken_pipe);
    const blob b;
    CHECK((co_await failure_of(a.send(b))).code == broken_pipe);
}

TEST_CASE(
    "a peer that is killed in any state of its ring is a broken pipe, after what it had sent") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        const blob small = make_blob(1, 10), large = make_blob(2, 6000);
        for (const blob* b : {&small, &large}) {
            const auto frame = co_await frame_of(io, *b);
            const std::size_t last = std::min<std::size_t>(frame.size(), 4096);
            for (const std::size_t shown : {std::size_t{0}, std::size_t{1}, last - 1, last}) {
                for (const int how : {0, 1, 2, 3})
                    co_await check_writer_dies(io, frame, shown, how % 2 == 1, how / 2 == 1);
            }
        }
    });
}

TEST_CASE("a sender that waits for room fails when its reader is killed, whatever that had read") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        const blob large = make_blob(1, 2'000'000);
        for (const std::size_t read : {0, 1, 2048, 4095, 4096}) {
            for (const bool claimed : {false, true}) {
                CAPTURE(read);
                CAPTURE(claimed);
                auto [one, other] = make_shared_ends(4096);
                auto a = make_pipe(io, std::move(one));
                background sending(io.get_executor(), a.send(large));
                co_await settle();
                CHECK(!sending.done());
                auto reader = other.rings.reader();
                REQUIRE(reader.unread().size() == 4096);
                reader.release_now(read);
                if (claimed) reader.must_wake(true);
                die(other);
                CHECK((co_await sending.result()).code == broken_pipe);
            }
        }
    });
}

}  // namespace
