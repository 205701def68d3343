// SPDX-License-Identifier: MIT
// Streams and uploads that end at odd moments.
#include "support/calls.hpp"
#include "support/pairs.hpp"

#include <remora/pipe.hpp>

using namespace test;

namespace {

using remora::errc;
using remora::generator;
using remora::pipe;
using remora::service;
using remora::stream;

/// Answered with the number of blobs that were uploaded.
struct pour {
    using reply = sum;
    using upload = blob;
    template <class Archive>
    void serialize(Archive&) {}
};

generator<blob> blobs_for_ever() {
    const blob b = make_blob(1, 300'000);
    for (;;)
        co_yield b;
}

TEST_CASE("an upload stops with its pipe, also when credit comes with the end") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        service s;
        s.on([&far](pour, stream<blob> blobs) -> asio::awaitable<sum> {
            co_await blobs.next();
            co_await far.close();
            co_return sum{1};
        });
        far.attach(s);
        pour q;
        background call(near.get_executor(), near.call(q, blobs_for_ever()));
        const auto end = co_await call.result();
        CHECK(end.code == errc::closed);
    });
}

/// What both directions of a stream share.
struct conversation {
    std::optional<stream<number>> answers;
};

generator<number> one_number(stream<number>) {
    co_yield remora::item<number>(1);
}

service one_number_service() {
    service s;
    s.on([](double_each, stream<number> numbers) { return one_number(std::move(numbers)); });
    return s;
}

generator<number> keep_waiting(std::shared_ptr<conversation>) {
    asio::steady_timer never(co_await asio::this_coro::executor,
                             std::chrono::steady_clock::time_point::max());
    co_await never.async_wait(asio::use_awaitable);
    co_yield remora::item<number>(1);
}

TEST_CASE("an upload may hold the last reference to the stream that answers it") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        far.attach(one_number_service());
        auto both = std::make_shared<conversation>();
        const std::weak_ptr<conversation> left = both;
        double_each q;
        both->answers = co_await near.stream(q, keep_waiting(both));
        both.reset();
        while (!left.expired())
            co_await settle();
        CHECK(near.counts().calls == 0);
    });
}

generator<number> drop_answers(std::shared_ptr<conversation> both, bool goes_on) {
    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    both->answers.reset();
    if (goes_on) co_yield remora::item<number>(1);
}

TEST_CASE("an upload may drop the stream that answers it") {
    for (const bool goes_on : {false, true}) {
        over_every_transport([goes_on](pipe near, pipe far) -> asio::awaitable<void> {
            far.attach(one_number_service());
            auto both = std::make_shared<conversation>();
            double_each q;
            both->answers = co_await near.stream(q, drop_answers(both, goes_on));
            while (both.use_count() != 1 || near.counts().calls != 0)
                co_await settle();
            CHECK(!both->answers);
        });
    }
}

TEST_CASE("who awaits an item hears that the stream was dropped") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        service s;
        s.on([](count_up) { return keep_waiting(nullptr); });
        far.attach(s);
        auto numbers = co_await near.stream<count_up>(1);
        background waiting(near.get_executor(), numbers.next());
        co_await settle();
        numbers = {};
        const auto end = co_await waiting.result();
        CHECK(end.code == errc::closed);
        CHECK(end.has("count_up"));
    });
}

// Takes its time to stop.
asio::awaitable<void> wait_and_tidy_up(bool& tidy) {
    const auto executor = co_await asio::this_coro::executor;
    asio::steady_timer never(executor, std::chrono::steady_clock::time_point::max());
    std::error_code ec;
    co_await never.async_wait(asio::redirect_error(asio::use_awaitable, ec));
    co_await asio::this_coro::reset_cancellation_state();
    for (int i = 0; i != 10; ++i)
        co_await asio::post(executor, asio::use_awaitable);
    tidy = true;
}

generator<number> number_and_wait(bool& tidy) {
    co_yield remora::item<number>(1);
    co_await wait_and_tidy_up(tidy);
}

TEST_CASE("a producer counts as served until what it awaited has ended") {
    for (const bool closes : {false, true}) {
        over_every_transport([closes](pipe near, pipe far) -> asio::awaitable<void> {
            bool tidy = false;
            service s;
            s.on([&tidy](count_up) { return number_and_wait(tidy); });
            background serving(far.get_executor(), far.serve(s));
            auto numbers = co_await near.stream<count_up>(1);
            co_await numbers.next();
            co_await settle();
            if (closes) {
                co_await near.close();
            } else {
                numbers = {};
            }
            while (far.counts().running_handlers != 0)
                co_await asio::post(far.get_executor(), asio::use_awaitable);
            CHECK(tidy);
        });
    }
}

}  // namespace
