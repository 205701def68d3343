// SPDX-License-Identifier: MIT
// An upload has ended when the call or the stream has that it goes with.
#include "call/scene.hpp"
#include "support/pairs.hpp"

#include <remora/pipe.hpp>

using namespace test;

namespace {

using remora::generator;
using remora::pipe;
using remora::service;
using remora::stream;

/// Items without end, and without a wait.
generator<number> computing(scene& s) {
    const user here(s);
    for (std::int64_t i = 0;; ++i) {
        s.use();
        co_yield remora::item<number>(i);
    }
}

TEST_CASE("an upload's generator has ended when its call was answered") {
    for (const producer produce : {endless, stuck}) {
        over_every_transport([produce](pipe near, pipe far) -> asio::awaitable<void> {
            far.attach(uploads_taken());
            scene s;
            co_await call_uploading(near, s, produce, {.most = produce == stuck ? 1 : 5}, {});
            check_ended(s);
            co_await settle();
            check_ended(s);
        });
    }
}

TEST_CASE("an upload's generator has ended when its call's time has passed") {
    for (const producer produce : {endless, stuck}) {
        over_every_transport([produce](pipe near, pipe far) -> asio::awaitable<void> {
            far.attach(uploads_taken());
            scene s;
            const auto failed =
                co_await failure_of(call_uploading(near, s, produce, {}, {.timeout = 3ms}));
            CHECK(failed.code == code(remora::errc::timed_out));
            check_ended(s);
            co_await settle();
            check_ended(s);
        });
    }
}

TEST_CASE("an upload's generator has ended when its call was cancelled") {
    for (const producer produce : {endless, stuck}) {
        for (const int trips : {1, 2, 5, 20}) {
            over_every_transport([=](pipe near, pipe far) -> asio::awaitable<void> {
                far.attach(uploads_taken());
                scene s;
                background call(co_await asio::this_coro::executor,
                                call_uploading(near, s, produce, {}, {}));
                for (int i = 0; i != trips; ++i)
                    co_await settle();
                call.cancel();
                const auto failed = co_await call.result();
                CHECK(failed.code == asio::error::operation_aborted);
                check_ended(s);
                co_await settle();
                check_ended(s);
            });
        }
    }
}

TEST_CASE("a generator that computes makes no item once its call was cancelled") {
    for (const int trips : {1, 2, 5, 20}) {
        over_every_transport([=](pipe near, pipe far) -> asio::awaitable<void> {
            far.attach(uploads_taken());
            scene s;
            background call(co_await asio::this_coro::executor,
                            call_uploading(near, s, computing, {}, {}));
            for (int i = 0; i != trips; ++i)
                co_await settle();
            call.cancel();
            const auto turns = s.turns;
            co_await call.result();
            CHECK(s.turns == turns + 1);  // its destructor
        });
    }
}

TEST_CASE("an upload's generator has ended when its call fails with the pipe") {
    for (const producer produce : {endless, stuck}) {
        over_every_transport([=](pipe near, pipe far) -> asio::awaitable<void> {
            far.attach(uploads_taken());
            scene s;
            background call(co_await asio::this_coro::executor,
                            call_uploading(near, s, produce, {}, {}));
            co_await settle();
            co_await far.close();
            const auto failed = co_await call.result();
            CHECK(failed.code == code(remora::errc::closed));
            check_ended(s);
            co_await settle();
            check_ended(s);
        });
    }
}

TEST_CASE("who was cancelled in a call with an upload is cancelled as before afterwards") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        far.attach(uploads_taken());
        scene s;
        co_await call_uploading(near, s, endless, {.most = 5}, {});
        const bool throws = co_await asio::this_coro::throw_if_cancelled();
        CHECK(throws);
    });
}

TEST_CASE("an upload's generator has ended when the stream that answers it has") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        far.attach(service().on([](double_each, stream<number>) -> generator<number> {
            co_yield remora::item<number>(1);
        }));
        for (const producer produce : {endless, stuck}) {
            scene s;
            const double_each question;
            auto items = co_await near.stream(question, produce(s));
            while (const auto n = co_await items.next()) {
            }
            s.is_over = true;
            check_ended(s);
            co_await settle();
            check_ended(s);
        }
    });
}

asio::awaitable<void> take_each(stream<number>& items) {
    while (const auto n = co_await items.next()) {
    }
}

TEST_CASE("who awaits an item hears of the pipe's end, when the upload has ended") {
    for (const producer produce : {endless, stuck}) {
        over_every_transport([produce](pipe near, pipe far) -> asio::awaitable<void> {
            far.attach(uploads_taken());
            scene s;
            const double_each question;
            auto items = co_await near.stream(question, produce(s));
            background taking(co_await asio::this_coro::executor, take_each(items));
            co_await settle();
            co_await far.close();
            const auto failed = co_await taking.result();
            s.is_over = true;
            CHECK(failed.code == code(remora::errc::closed));
            check_ended(s);
        });
    }
}

TEST_CASE("an upload's generator does not go on when the stream that answers it is dropped") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        far.attach(uploads_taken());
        scene s;
        const double_each question;
        auto items = co_await near.stream(question, endless(s));
        for (int i = 0; i != 3; ++i) {
            const auto n = co_await items.next();
            CHECK(n->value == 2 * i);
        }
        items = {};
        const auto turns = s.turns;
        while (s.is_used)
            co_await settle();
        CHECK(s.turns == turns + 1);  // its destructor
    });
}

}  // namespace
