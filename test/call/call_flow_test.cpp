// SPDX-License-Identifier: MIT
// When the frames of calls leave, and which calls are sent at all.
#include "support/calls.hpp"
#include "support/pairs.hpp"
#include "support/wire_bytes.hpp"

#include "wire/control_records.hpp"

#include <remora/pipe.hpp>

using namespace test;

namespace {

using remora::errc;
using remora::generator;
using remora::pipe;
using remora::service;

/// Computes for longer than frames are kept together.
void compute(std::chrono::milliseconds how_long = 1ms) {
    const auto end = std::chrono::steady_clock::now() + how_long;
    while (std::chrono::steady_clock::now() < end) {
    }
}

std::string request_bytes(std::uint64_t id, const auto& value) {
    using type = std::remove_cvref_t<decltype(value)>;
    return frame_bytes({.kind = frame_kind::request,
                        .flags = frame_header::of_sender,
                        .id = id,
                        .tag = remora::type_tag_of<type>()},
                       payload_of(value));
}

/// A service's end, and the bare other one, which sends its requests in one piece.
struct bare_caller {
    explicit bare_caller(asio::io_context& io, std::uint64_t features = 0)
        : bare_caller(io, test::make_connected_ends(), features) {}
    bare_caller(asio::io_context& io,
                std::pair<remora::detail::fifo_ends, remora::detail::fifo_ends> ends,
                std::uint64_t features)
        : server(make_pipe(io.get_executor(), {.fifo = std::move(ends.first)},
                           remora::wait_policy::block, features)),
          other(std::move(ends.second)) {}

    void send(const std::string& bytes) { write_bytes(other, std::as_bytes(std::span(bytes))); }
    bool has_heard() const { return !read_bytes(other).empty(); }

    pipe server;
    remora::detail::fifo_ends other;
};

TEST_CASE("who attaches a service says its window before it serves what has arrived") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        bare_caller end(io);
        end.send(request_bytes(1, add{1}));
        std::optional<bool> heard;
        service s;
        s.on([&](add q) {
            heard = end.has_heard();
            return sum{q.a};
        });
        end.server.attach(s);
        while (!heard)
            co_await settle();
        CHECK(*heard);
    });
}

TEST_CASE("an answer leaves before the next handler runs, if it has waited") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        bare_caller end(io);
        std::vector<bool> heard;
        service s;
        s.on([&](add q) {
            heard.push_back(end.has_heard());
            if (q.a != 0) compute();
            return sum{q.a};
        });
        end.server.attach(s);
        end.has_heard();  // the window
        end.send(request_bytes(1, add{1}) + request_bytes(2, add{1}) + request_bytes(3, add{1}));
        while (heard.size() != 3)
            co_await settle();
        CHECK(heard == std::vector{false, true, true});
    });
}

TEST_CASE("an answer does not wait for slow handlers after quick ones") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        bare_caller end(io);
        std::vector<bool> heard;  // before each slow handler
        service s;
        s.on([&](add q) {
            if (q.a != 0) {
                heard.push_back(end.has_heard());
                compute(15ms);  // longer than a tick of the coarse clock
            }
            return sum{q.a};
        });
        end.server.attach(s);
        end.has_heard();  // the window
        std::string requests;
        for (int i = 1; i <= 46; ++i)
            requests += request_bytes(static_cast<std::uint64_t>(i), add{i > 40 ? 1 : 0});
        end.send(requests);
        while (heard.size() != 6)
            co_await settle();
        heard.erase(heard.begin());  // the quick ones may have been heard, or not
        CHECK(heard == std::vector(5, true));
    });
}

generator<number> slow_after_the_first(std::optional<bool>& first_has_left, bare_caller& end) {
    co_yield remora::item<number>(1);
    compute();
    first_has_left = end.has_heard();
    co_yield remora::item<number>(2);
}

TEST_CASE("the first item of a stream leaves before the second one is made") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        bare_caller end(io);
        std::optional<bool> first_has_left;
        service s;
        s.on([&](count_up) { return slow_after_the_first(first_has_left, end); });
        end.server.attach(s);
        end.has_heard();
        end.send(request_bytes(1, count_up{2}));
        while (!first_has_left)
            co_await settle();
        CHECK(*first_has_left);
    });
}

TEST_CASE("a call without any time left sends nothing") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        bare_caller end(io);
        for (const auto none : {0ns, -1ns, std::chrono::nanoseconds::min()}) {
            const auto failure = co_await failure_of(end.server.call<add>({.timeout = none}, 1, 2));
            CHECK(failure.code == errc::timed_out);
            CHECK(failure.has("add: no time is left for it, nothing was sent"));
        }
        CHECK(!end.has_heard());
        CHECK(end.server.counts().calls == 0);
    });
}

asio::awaitable<blob> echo_slowly(echo e) {
    co_await settle();
    co_return std::move(e.what);
}

service slow_echoes() {
    service s;
    s.on(echo_slowly);
    s.on([](large_items q) -> generator<blob> {
        for (int i = 0; i != q.count; ++i) {
            const auto b = make_blob(static_cast<std::uint64_t>(i), 1000);
            co_yield b;
        }
    });
    return s;
}

echo make_echo() {
    return {make_blob(1, 1000)};
}

TEST_CASE("a request that is a temporary lives as long as its call") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        auto [near, far] = remora::make_pipe_pair(io);
        far.attach(slow_echoes());
        blob answer;
        asio::co_spawn(io, near.call(make_echo()),
                       [&](std::exception_ptr, blob b) { answer = std::move(b); });
        auto last = near.call(make_echo(), {.timeout = 60s});
        const auto same = co_await std::move(last);
        CHECK(same.bytes == make_blob(1, 1000).bytes);
        CHECK(answer.bytes == same.bytes);
    });
}

TEST_CASE("a request for a stream may be a temporary") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        auto [near, far] = remora::make_pipe_pair(io);
        far.attach(slow_echoes());
        auto asked = near.stream(large_items{3});
        auto blobs = co_await std::move(asked);
        int count = 0;
        while (const auto b = co_await blobs.next())
            ++count;
        CHECK(count == 3);
    });
}

/// What many callers at once have seen.
struct line {
    std::vector<int> answered, cancelled;
};

asio::awaitable<void> call_in_line(pipe& p, int i, line& seen) {
    const auto failure = co_await failure_of(p.call<add>(i, 0));
    (failure.code ? seen.cancelled : seen.answered).push_back(i);
}

TEST_CASE("callers get their turns in the order of their calls, whoever leaves the line") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        service s({.max_in_flight = 2});
        s.on([](add q) -> asio::awaitable<sum> {
            co_await settle();
            co_return sum{q.a};
        });
        far.attach(s);
        line seen;
        std::vector<background> calls;
        for (int i = 0; i != 60; ++i)
            calls.emplace_back(near.get_executor(), call_in_line(near, i, seen));
        for (int i = 59; i > 20; i -= 3)
            calls[static_cast<std::size_t>(i)].cancel();
        for (auto& call : calls)
            co_await call.result();
        CHECK(seen.cancelled.size() == 13);
        CHECK(seen.answered.size() == 47);
        CHECK(std::ranges::is_sorted(seen.answered));
    });
}

/// Numbers without an end, counted for all of their streams.
generator<number> count_for_ever(std::int64_t& yielded) {
    for (;;) {
        ++yielded;
        co_yield remora::item<number>(1);
    }
}

TEST_CASE("streams that nobody reads have little credit, and one that is read gets more") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        auto [near, far] = remora::make_pipe_pair(io);
        std::int64_t yielded = 0;
        service s;
        s.on([&](count_up) { return count_for_ever(yielded); });
        far.attach(s);
        std::vector<remora::stream<number>> unread;
        for (int i = 0; i != 50; ++i)
            unread.push_back(co_await near.stream<count_up>());
        for (std::int64_t before = -1; std::exchange(before, yielded) != yielded;)
            co_await settle();
        const auto most_of_one = remora::detail::first_window / std::int64_t{frame_header::size};
        CHECK(yielded < 50 * most_of_one);
        auto& read = unread.front();
        for (int i = 0; i != 20'000; ++i)
            co_await read.next();
        for (std::int64_t before = -1; std::exchange(before, yielded) != yielded;)
            co_await settle();
        CHECK(yielded > 20'000 + 50 * 100 + most_of_one);
    });
}

TEST_CASE("an upload beyond its small credit ends the conversation") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        bare_caller end(io, remora::wire::small_streams);
        service s;
        s.on([](add_up, remora::stream<number>) -> asio::awaitable<sum> {
            asio::steady_timer never(co_await asio::this_coro::executor,
                                     std::chrono::steady_clock::time_point::max());
            co_await never.async_wait(asio::use_awaitable);
            co_return sum{};
        });
        end.server.attach(s);
        const auto item = frame_bytes({.kind = frame_kind::item,
                                       .flags = frame_header::of_sender,
                                       .id = 1,
                                       .tag = remora::type_tag_of<number>()},
                                      payload_of(number{1}));
        end.send(request_bytes(1, add_up{}));
        for (std::size_t sent = 0; sent < remora::detail::first_window; sent += item.size())
            end.send(item);
        co_await settle();
        CHECK(end.server.is_open());
        end.send(item);
        co_await settle();
        CHECK(!end.server.is_open());
    });
}

}  // namespace
