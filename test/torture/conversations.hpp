// SPDX-License-Identifier: MIT
/// Conversations within a process, of which any allocation may fail.
#pragma once

#include "row.hpp"

#include "support/calls.hpp"

#include <remora/service.hpp>

namespace torture {

using test::number;
using conversation = asio::awaitable<void> (*)(asio::io_context&, const row&);

inline asio::awaitable<test::sum> add_all(test::add_up, remora::stream<number> numbers) {
    test::sum s;
    while (const auto n = co_await numbers.next())
        s.value += n->value;
    co_return s;
}

// Where Asio cannot make the exception of a failed operation it drops the coroutine that awaits it:
// so the waits here throw nothing.
inline asio::awaitable<void> wait_on(asio::steady_timer& timer) {
    std::error_code ec;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ec));
}

inline remora::generator<number> count_slowly(test::count_up c) {
    asio::steady_timer pause(co_await asio::this_coro::executor);
    for (std::int64_t i = 0; i != c.count; ++i) {
        pause.expires_after(50us);
        co_await wait_on(pause);
        co_yield remora::item<number>(i);
    }
}

inline remora::service service() {
    remora::service s;
    s.on([](test::add q) { return test::sum{q.a + q.b}; });
    s.on([](test::add_later q) -> asio::awaitable<test::sum> {
        co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
        co_return test::sum{q.a + q.b};
    });
    s.on([](test::wait_for_ever) -> asio::awaitable<test::sum> {
        asio::steady_timer never(co_await asio::this_coro::executor, 100s);
        co_await wait_on(never);
        co_return test::sum{};
    });
    s.on(add_all);
    s.on(count_slowly);
    s.on([](test::echo e) { return std::move(e.what); });
    return s;
}

/// Calls, a stream, an upload and a message, one after another. The calls have no timeouts: the
/// row has a time limit.
inline asio::awaitable<void> converse(asio::io_context& io, const row& r) {
    auto [near, far] = make_pair(io, r.over_fifos(), {4096, wait_policy::adaptive});
    far.attach(service());
    co_await near.call<test::add>(1, 2);
    co_await near.call<test::add_later>(1, 2, 0u);
    const test::echo large{test::make_blob(1, 100'000)};
    co_await near.call(large);
    const test::count_up ten{10};
    auto numbers = co_await near.stream(ten);
    while (const auto n = co_await numbers.next()) {
    }
    const test::add_up all;
    co_await near.call(all, count_slowly(ten));
    co_await near.send<number>(1);
    co_await near.close();
}

/// Operations that are to end, each by itself.
class all_of {
public:
    explicit all_of(asio::io_context& io) : state_(std::make_shared<state>(io)) {}

    template <class T>
    void add(asio::awaitable<T> operation) {
        ++state_->left;
        // Gone when the operation has ended, or has not begun.
        const std::shared_ptr<void> held(nullptr, [s = state_](void*) {
            if (--s->left == 0) s->over.cancel();
        });
        asio::co_spawn(state_->over.get_executor(), std::move(operation),
                       [held](std::exception_ptr, auto...) {});
    }
    asio::awaitable<void> wait() {
        if (state_->left != 0) co_await wait_on(state_->over);
    }

private:
    struct state {
        explicit state(asio::io_context& io) : over(io, clock::time_point::max()) {}
        int left = 0;
        asio::steady_timer over;
    };
    std::shared_ptr<state> state_;
};

inline asio::awaitable<void> take_all(remora::stream<number> numbers) {
    while (const auto n = co_await numbers.next()) {
    }
}

/// The conversation ends while much is going on: calls with and without a timeout, a stream and an
/// upload whose producers wait, and those who wait for the end.
inline asio::awaitable<void> end_together(asio::io_context& io, const row& r) {
    static const test::wait_for_ever ever;
    static const test::count_up many{100'000};
    static const test::add_up sum;
    auto [near, far] = make_pair(io, r.over_fifos(), {4096, wait_policy::spin});
    far.attach(service());
    auto numbers = co_await near.stream(many);
    all_of ends(io);
    ends.add(take_all(std::move(numbers)));
    ends.add(near.call(ever));
    remora::call_options soon;
    soon.timeout = 1ms;
    ends.add(near.call(ever, soon));
    ends.add(near.call(sum, count_slowly(many)));
    ends.add(near.finished());
    ends.add(far.finished());
    asio::steady_timer pause(io, 3ms);
    co_await wait_on(pause);
    co_await far.close();
    co_await ends.wait();
}

/// Both ends are full when they close.
inline asio::awaitable<void> close_full(asio::io_context& io, const row& r) {
    static const test::blob large = test::make_blob(1, 1'000'000);
    auto [near, far] = make_pair(io, r.over_fifos(), {4096, wait_policy::adaptive});
    all_of ends(io);
    ends.add(near.send(large));
    ends.add(far.send(large));
    ends.add(near.send(large));
    ends.add(near.receive<number>());
    asio::steady_timer pause(io, 1ms);
    co_await wait_on(pause);
    ends.add(near.close());
    ends.add(far.close());
    co_await ends.wait();
}

}  // namespace torture
