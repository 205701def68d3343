// SPDX-License-Identifier: MIT
// Handlers that stream what a broadcast sends.
#include "support/calls.hpp"
#include "support/pairs.hpp"

#include <remora/broadcast.hpp>
#include <remora/pipe.hpp>

#include <optional>

using namespace test;

namespace {

using remora::broadcast;
using remora::generator;
using remora::pipe;
using remora::service;
using remora::subscription;

/// How many generators follow.
struct following {
    int& count;
    explicit following(int& all) : count(all) { ++count; }
    ~following() { --count; }
};

generator<number> follow(subscription<number> mine, int& all) {
    const following here(all);
    while (const auto n = co_await mine.next())
        co_yield *n;
}

/// The items; before them, as a blob of no bytes, how many were lost.
generator<blob> follow_all(subscription<blob> mine, int& all) {
    const following here(all);
    while (const auto b = co_await mine.next()) {
        if (mine.lost() != 0) co_yield remora::item<blob>(mine.lost(), std::vector<std::uint8_t>());
        co_yield *b;
    }
}

/// A service whose streams follow a broadcast.
struct scene_of_events {
    std::optional<broadcast<number>> all{std::in_place};
    int followers = 0;

    service handlers() {
        return service().on([this](count_up) { return follow(all->subscribe(), followers); });
    }
    asio::awaitable<void> until_followed_by(int count) {
        while (followers != count)
            co_await settle();
    }
};

TEST_CASE("each stream that follows a broadcast gets every item, and then its end") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        scene_of_events events;
        far.attach(events.handlers());
        auto one = co_await near.stream<count_up>();
        auto other = co_await near.stream<count_up>();
        co_await events.until_followed_by(2);
        for (std::int64_t i = 0; i != 50; ++i)
            events.all->send({i});
        events.all.reset();
        for (auto* const stream : {&one, &other}) {
            for (std::int64_t i = 0; i != 50; ++i) {
                const auto n = co_await stream->next();
                CHECK(n->value == i);
            }
            const auto end = co_await stream->next();
            CHECK(!end);
        }
        CHECK(events.followers == 0);
    });
}

TEST_CASE("a subscription ends when its stream is dropped, and when its pipe ends") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        scene_of_events events;
        far.attach(events.handlers());
        auto kept = co_await near.stream<count_up>();
        {
            const auto dropped = co_await near.stream<count_up>();
            co_await events.until_followed_by(2);
        }
        co_await events.until_followed_by(1);
        events.all->send({1});
        const auto one = co_await kept.next();
        CHECK(one->value == 1);
        background end(far.get_executor(), far.finished());
        co_await near.close();
        (void)co_await end.result();
        CHECK(events.followers == 0);
        events.all->send({2});
    });
}

TEST_CASE("a stream that nobody reads loses items, is told how many, and holds up nobody") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        broadcast<blob> all;
        int followers = 0;
        far.attach(
            service().on([&](large_items) { return follow_all(all.subscribe(), followers); }));
        auto slow = co_await near.stream<large_items>();
        auto quick = co_await near.stream<large_items>();
        while (followers != 2)
            co_await settle();
        constexpr std::uint64_t sent = 300;
        for (std::uint64_t i = 0; i != sent; ++i) {
            all.send(make_blob(i, 8000));
            const auto b = co_await quick.next();
            CHECK(b->number == i);
        }
        all.close();
        std::uint64_t next = 0, lost = 0;
        while (const auto b = co_await slow.next()) {
            const std::uint64_t gap = b->bytes.empty() ? b->number : 0;
            CHECK((gap != 0 || b->number == next));
            next += gap != 0 ? gap : 1;
            lost += gap;
        }
        CHECK(next == sent);
        CHECK(lost > 0);
    });
}

}  // namespace
