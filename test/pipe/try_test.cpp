// SPDX-License-Identifier: MIT
// Sending and receiving without a coroutine, where nothing has to be awaited.
#include "support/coroutine.hpp"
#include "support/messages.hpp"
#include "support/pairs.hpp"
#include "support/wire_bytes.hpp"

#include "polling/busy_poller.hpp"

#include <remora/pipe.hpp>

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <optional>
#include <vector>

namespace {

using namespace test;
using remora::errc;
using remora::pipe;

/// Takes one of both ways.
template <class T>
asio::awaitable<void> receive_either_way(pipe& p, T& into) {
    if (!p.try_receive(into)) co_await p.receive(into);
}

TEST_CASE("messages that are tried first arrive in order, mixed with others") {
    over_every_transport([](pipe a, pipe b) -> asio::awaitable<void> {
        auto sender = [](pipe& p) -> asio::awaitable<void> {
            for (number n{0}; n.value < 5000; ++n.value) {
                if (n.value % 7 == 0 || !p.try_send(n)) co_await p.send(n);
            }
        };
        background sending(a.get_executor(), sender(a));
        number got;
        for (std::int64_t i = 0; i < 5000; ++i) {
            co_await receive_either_way(b, got);
            REQUIRE(got.value == i);
        }
        CHECK(!(co_await sending.result()).code);
    });
}

TEST_CASE("try_receive takes what has arrived, and says false where nothing has") {
    over_every_transport([](pipe a, pipe b) -> asio::awaitable<void> {
        number got;
        CHECK(!b.try_receive(got));
        REQUIRE(a.try_send(number{7}));
        co_await b.readable();
        REQUIRE(b.try_receive(got));
        CHECK(got.value == 7);
        CHECK(!b.try_receive(got));
    });
}

TEST_CASE("try_receive finds at once what has just been sent") {
    over_every_transport([](pipe a, pipe b) -> asio::awaitable<void> {
        number got;
        for (std::int64_t i = 0; i != 20; ++i) {
            REQUIRE(a.try_send(number{i}));
            REQUIRE(b.try_receive(got));
            CHECK(got.value == i);
        }
        co_return;
    });
}

TEST_CASE("large messages of any size make try_receive leave its turn") {
    run([](asio::io_context& io) -> asio::awaitable<void> {
        auto [a, b] = shared_pair(io, std::size_t{4} << 20);
        const blob large = make_blob(1, 66'000);  // counts like the 64 that leave a turn
        const number small{1};
        co_await a.send(small);
        for (int i = 0; i != 12; ++i)
            co_await a.send(large);
        number first;
        CHECK(b.try_receive(first));
        blob got;
        int left = 0;
        for (int i = 0; i != 12; ++i)
            left += b.try_receive(got) ? 0 : 1;
        CHECK(left > 0);
    });
}

// How often try_receive says no to what is at hand.
int refusals_of(int count, bool beside_others) {
    int refused = 0;
    run([&](asio::io_context& io) -> asio::awaitable<void> {
        auto [a, b] = shared_pair(io, std::size_t{1} << 20, remora::wait_policy::spin);
        co_await a.send_all(std::vector<number>(static_cast<std::size_t>(count)));
        remora::detail::poll_entry others([] { return false; }, false);
        const auto poller = remora::detail::busy_poller::of(b.get_executor());
        std::optional<remora::detail::poll_guard> polling;
        if (beside_others) polling.emplace(*poller, others, 1h);
        number got;
        for (int i = 0; i != count;) {
            const bool received = b.try_receive(got);
            ++(received ? i : refused);
        }
    });
    return refused;
}

TEST_CASE("try_receive leaves its turn sooner where others poll") {
    CHECK(refusals_of(1000, false) == 15);
    CHECK(refusals_of(1000, true) == 62);
}

// Writes frames that are passed over, each when the one before was read; counts them.
void write_for_nobody(int to, std::atomic<int>& written, const std::atomic<bool>& stop) {
    const auto one = frame_bytes({.kind = unknown_kind, .flags = frame_header::may_skip});
    for (; !stop; ++written) {
        REQUIRE(::write(to, one.data(), one.size()) == static_cast<ssize_t>(one.size()));
        for (int unread = 1; unread != 0 && !stop;)
            REQUIRE(::ioctl(to, FIONREAD, &unread) == 0);
    }
}

TEST_CASE("a peer that has one thing after the other for nobody does not hold try_receive") {
    asio::io_context io;
    auto [one, other] = test::make_connected_ends();
    auto p = make_pipe(io.get_executor(), {.fifo = std::move(one)}, remora::wait_policy::spin);
    std::atomic<int> written{0};
    std::atomic<bool> stop{false};
    auto writing = std::async(std::launch::async,
                              [&, to = other.out.get()] { write_for_nobody(to, written, stop); });
    number got;
    int most = 0;
    for (int i = 0; i != 1000; ++i) {
        const int before = written;
        CHECK(!p.try_receive(got));
        most = std::max(most, written - before);
    }
    CHECK(most < 1000);
    stop = true;
    writing.get();
}

TEST_CASE("try_receive says false at a clean end, and throws what else ends a conversation") {
    over_every_transport([](pipe a, pipe b) -> asio::awaitable<void> {
        number got;
        co_await a.close();
        CHECK(!co_await b.next<number>());
        CHECK(!b.try_receive(got));
        CHECK(failure_of([&] { a.try_receive(got); }).code == code(errc::closed));
        CHECK(failure_of([&] { a.try_send(got); }).code == code(errc::closed));
    });
}

TEST_CASE("a message that try_receive cannot take stays at the head") {
    over_every_transport([](pipe a, pipe b) -> asio::awaitable<void> {
        REQUIRE(a.try_send(number{1}));
        co_await b.readable();
        text other;
        CHECK(failure_of([&] { b.try_receive(other); }).code == code(errc::type_mismatch));
        CHECK((co_await b.receive<number>()).value == 1);
    });
}

TEST_CASE("try_receive fails while another coroutine receives") {
    over_every_transport([](pipe a, pipe b) -> asio::awaitable<void> {
        background first(b.get_executor(), b.receive<number>());
        co_await settle();
        number got;
        CHECK(failure_of([&] { b.try_receive(got); }).code == code(errc::receive_in_progress));
        REQUIRE(a.try_send(number{1}));
        CHECK(!(co_await first.result()).code);
    });
}

TEST_CASE("try_send says false where senders wait their turn, and has sent nothing then") {
    over_every_transport([](pipe a, pipe b) -> asio::awaitable<void> {
        const blob big = make_blob(1, 2'000'000);
        background filling(a.get_executor(), a.send(big));
        co_await settle();
        CHECK(!a.try_send(number{1}));
        CHECK(!a.try_send(number{2}));
        co_await b.receive<blob>();
        CHECK(!(co_await filling.result()).code);
        REQUIRE(a.try_send(number{3}));
        CHECK((co_await b.receive<number>()).value == 3);
    });
}

TEST_CASE("a message over the limit cannot be tried, and the pipe stays usable") {
    over_every_transport([](pipe a, pipe b) -> asio::awaitable<void> {
        const blob large = make_blob(1, 70u << 20);
        CHECK(failure_of([&] { a.try_send(large); }).code == code(errc::message_too_large));
        REQUIRE(a.try_send(number{1}));
        CHECK((co_await b.receive<number>()).value == 1);
    });
}

TEST_CASE("a loop of tries lets others run now and then, whoever awaits what") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        auto [a, b] = shared_pair(io, std::size_t{1} << 20);  // there is room for all
        bool ran = false;
        asio::post(io, [&ran] { ran = true; });
        number n{0};
        int refused = 0;
        for (; n.value < 200; ++n.value) {
            if (a.try_send(n)) continue;
            ++refused;
            co_await a.send(n);
        }
        CHECK(ran);
        CHECK(refused >= 2);
        for (refused = 0; n.value < 400; ++n.value)
            while (!a.try_send(n))
                ++refused;  // who does not care for others is refused once in a while
        CHECK(refused <= 5);
        ran = false;
        asio::post(io, [&ran] { ran = true; });
        co_await a.send(n);
        CHECK(ran);  // whoever tried again has left its turn to this
        number got;
        ran = false;
        asio::post(io, [&ran] { ran = true; });
        for (std::int64_t i = 0; i < 400; ++i) {
            co_await receive_either_way(b, got);
            REQUIRE(got.value == i);
        }
        CHECK(ran);
    });
}

}  // namespace
