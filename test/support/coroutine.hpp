// SPDX-License-Identifier: MIT
/// Tests as coroutines, with a time limit for every wait.
#pragma once

#include "support/support.hpp"

#include <remora/asio.hpp>

#include <chrono>
#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <utility>

namespace test {

using namespace std::chrono_literals;

inline constexpr auto patience = 60s;

/// Runs `body(io)` to its end and throws what it throws. Fails if that, or what it leaves behind,
/// takes longer than `patience`.
inline void run(const std::function<asio::awaitable<void>(asio::io_context&)>& body) {
    asio::io_context io;
    bool done = false;
    std::exception_ptr failure;
    asio::co_spawn(io, body(io), [&](std::exception_ptr e) {
        done = true;
        failure = e;
    });
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!done && io.run_one_until(end) != 0) {
    }
    if (failure) std::rethrow_exception(failure);
    REQUIRE_MESSAGE(done, "the test hangs");
    io.run_for(patience);  // what is left over
    CHECK_MESSAGE(io.stopped(), "something goes on when all is over");
}

/// What an awaitable fails with.
template <class T>
asio::awaitable<failure> failure_of(asio::awaitable<T> operation) {
    try {
        co_await std::move(operation);
    } catch (const std::system_error& e) {
        co_return failure{e.code(), e.what()};
    }
    co_return failure{};
}

/// What an operation that runs on its own comes to, for a thread that does not run the context.
/// asio::use_future would start threads of Asio's, which take signals.
template <class T>
std::future<T> future_of(asio::any_io_executor executor, asio::awaitable<T> operation) {
    const auto result = std::make_shared<std::promise<T>>();
    asio::co_spawn(executor, std::move(operation), [result](std::exception_ptr why, T value) {
        if (why)
            result->set_exception(why);
        else
            result->set_value(std::move(value));
    });
    return result->get_future();
}

/// An operation that runs on its own; `co_await op.result()` has its failure.
class background {
public:
    template <class T>
    background(asio::any_io_executor executor, asio::awaitable<T> operation)
        : state_(std::make_shared<state>(executor)) {
        asio::co_spawn(executor, failure_of(std::move(operation)),
                       asio::bind_cancellation_slot(state_->stop.slot(),
                                                    [s = state_](std::exception_ptr, failure f) {
                                                        s->result = std::move(f);
                                                        s->done = true;
                                                        s->timer.cancel();
                                                    }));
    }
    bool done() const { return state_->done; }
    void cancel() { state_->stop.emit(asio::cancellation_type::terminal); }
    asio::awaitable<failure> result() {
        auto s = state_;
        std::error_code ec;
        if (!s->done) co_await s->timer.async_wait(asio::redirect_error(asio::use_awaitable, ec));
        co_return s->result;
    }

private:
    struct state {
        explicit state(const asio::any_io_executor& executor)
            : timer(executor, std::chrono::steady_clock::time_point::max()) {}
        asio::cancellation_signal stop;
        asio::steady_timer timer;
        failure result;
        bool done = false;
    };
    std::shared_ptr<state> state_;
};

/// Lets everything run that is ready.
inline asio::awaitable<void> settle() {
    for (int i = 0; i < 20; ++i) {
        co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    }
}

}  // namespace test
