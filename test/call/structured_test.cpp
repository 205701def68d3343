// SPDX-License-Identifier: MIT
// Whatever an operation starts has ended when the operation has.
#include "support/calls.hpp"
#include "support/pairs.hpp"

#include <remora/pipe.hpp>

using namespace test;

namespace {

using remora::call_options;
using remora::failure_kind;
using remora::generator;
using remora::pipe;
using remora::service;
using remora::stream;

/// What the caller of an operation owns, and what it starts uses.
struct scene {
    bool is_over = false;  ///< the operation has returned
    bool is_used = false;  ///< something runs, or waits
    bool is_late = false;  ///< something ran after the operation had returned
    int turns = 0;
    void use() {
        is_late = is_late || is_over;
        ++turns;
    }
};
/// Within what uses it.
struct user {
    scene& of;
    explicit user(scene& s) : of(s) { of.is_used = true; }
    ~user() {
        of.use();
        of.is_used = false;
    }
};

asio::awaitable<void> until_cancelled(scene& s) {
    const user here(s);
    asio::steady_timer never(co_await asio::this_coro::executor,
                             std::chrono::steady_clock::time_point::max());
    std::error_code ec;
    co_await never.async_wait(asio::redirect_error(asio::use_awaitable, ec));
    s.use();
    for (int i = 0; i != 3; ++i)  // it takes its time to end
        co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
}

/// Items without end, each after a trip through the scheduler.
generator<number> endless(scene& s) {
    const user here(s);
    const auto executor = co_await asio::this_coro::executor;
    for (std::int64_t i = 0;; ++i) {
        co_await asio::post(executor, asio::use_awaitable);
        s.use();
        co_yield remora::item<number>(i);
    }
}
/// One item, then a wait without end.
generator<number> stuck(scene& s) {
    const user here(s);
    co_yield remora::item<number>(1);
    co_await until_cancelled(s);
    co_yield remora::item<number>(2);
}

/// Items without end, and without a wait.
generator<number> computing(scene& s) {
    const user here(s);
    for (std::int64_t i = 0;; ++i) {
        s.use();
        co_yield remora::item<number>(i);
    }
}

generator<number> mirror(double_each, stream<number> numbers) {
    while (const auto n = co_await numbers.next())
        co_yield remora::item<number>(2 * n->value);
}
service uploads_taken() {
    return service().on(add_all).on(mirror);
}

using producer = generator<number> (*)(scene&);

/// A call with an upload that ends in some way.
asio::awaitable<void> call_uploading(pipe& near, scene& s, producer produce, add_up q,
                                     call_options how) {
    struct leaving {
        scene& of;
        ~leaving() { of.is_over = true; }
    } const left{s};
    const auto answer = co_await near.call(q, produce(s), how);
    CHECK(answer.value > 0);
}

/// Nothing of it goes on.
void check_ended(const scene& s) {
    CHECK(s.turns > 0);
    CHECK(!s.is_used);
    CHECK(!s.is_late);
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

TEST_CASE("handlers have ended when the service has") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        scene one, many;
        far.attach(service()
                       .on([&one](wait_for_ever) -> asio::awaitable<sum> {
                           co_await until_cancelled(one);
                           co_return sum{};
                       })
                       .on([&many](count_up) { return stuck(many); }));
        auto items = co_await near.stream<count_up>(2);
        background call(co_await asio::this_coro::executor, near.call<wait_for_ever>());
        while (!one.is_used || many.turns != 0 || !many.is_used)
            co_await settle();
        co_await near.close();
        co_await far.finished();
        one.is_over = many.is_over = true;
        check_ended(one);
        check_ended(many);
        const auto failed = co_await call.result();
        CHECK(failed.code == code(remora::errc::closed));
    });
}

asio::awaitable<void> watch(pipe& near, call_options how) {
    auto items = co_await near.stream<count_up>(how, 2);
    while (const auto n = co_await items.next()) {
    }
}

TEST_CASE("a stream fails when its time has passed") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        scene s;
        far.attach(service().on([&s](count_up) { return stuck(s); }));
        const auto failed = co_await failure_of(watch(near, {.timeout = 5ms}));
        CHECK(failed.code == code(remora::errc::timed_out));
        co_await near.close();
        co_await far.finished();
        CHECK(!s.is_used);
    });
}

// As if a test threw out of io.run(): after so many steps everything goes, the pipes before the
// context or after it.
void die_after(int steps, bool on_strand, bool pipes_first) {
    scene up, down;
    asio::io_context io;
    const asio::any_io_executor executor =
        on_strand ? asio::any_io_executor(asio::make_strand(io)) : io.get_executor();
    auto [near, far] = remora::make_pipe_pair(executor);
    far.attach(uploads_taken().on([&](count_up) { return stuck(down); }));
    asio::co_spawn(executor, call_uploading(near, up, stuck, {}, {}), asio::detached);
    asio::co_spawn(executor, watch(near, {}), asio::detached);
    for (int i = 0; i != steps; ++i)
        io.poll_one();
    if (!pipes_first) return;
    near = {};
    far = {};
    for (int i = 0; i != steps % 7; ++i)
        io.poll_one();
}

TEST_CASE("generators that wait may be destroyed with their context, at any step") {
    for (const bool on_strand : {false, true}) {
        for (const bool pipes_first : {false, true}) {
            for (int steps = 0; steps != 60; ++steps) {
                CAPTURE(steps);
                die_after(steps, on_strand, pipes_first);
            }
        }
    }
}

}  // namespace
