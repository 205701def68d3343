// SPDX-License-Identifier: MIT
/// Generators and handlers that tell whether they go on after the operation that has started them.
#pragma once

#include "support/calls.hpp"
#include "support/support.hpp"

#include <remora/pipe.hpp>

namespace test {

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

inline asio::awaitable<void> until_cancelled(scene& s) {
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
inline remora::generator<number> endless(scene& s) {
    const user here(s);
    const auto executor = co_await asio::this_coro::executor;
    for (std::int64_t i = 0;; ++i) {
        co_await asio::post(executor, asio::use_awaitable);
        s.use();
        co_yield remora::item<number>(i);
    }
}
/// One item, then a wait without end.
inline remora::generator<number> stuck(scene& s) {
    const user here(s);
    co_yield remora::item<number>(1);
    co_await until_cancelled(s);
    co_yield remora::item<number>(2);
}

inline remora::generator<number> mirror(double_each, remora::stream<number> numbers) {
    while (const auto n = co_await numbers.next())
        co_yield remora::item<number>(2 * n->value);
}
inline remora::service uploads_taken() {
    return remora::service().on(add_all).on(mirror);
}

using producer = remora::generator<number> (*)(scene&);

/// A call with an upload that ends in some way.
inline asio::awaitable<void> call_uploading(remora::pipe& near, scene& s, producer produce,
                                            add_up q, remora::call_options how) {
    struct leaving {
        scene& of;
        ~leaving() { of.is_over = true; }
    } const left{s};
    const auto answer = co_await near.call(q, produce(s), how);
    CHECK(answer.value > 0);
}

/// Nothing of it goes on.
inline void check_ended(const scene& s) {
    CHECK(s.turns > 0);
    CHECK(!s.is_used);
    CHECK(!s.is_late);
}

}  // namespace test
