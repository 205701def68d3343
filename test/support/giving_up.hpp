// SPDX-License-Identifier: MIT
/// Operations that are cancelled at any moment.
#pragma once

#include <remora/asio.hpp>

#include <asio/experimental/awaitable_operators.hpp>

#include <chrono>
#include <functional>
#include <system_error>

namespace test {

/// Begins `operation` so many times, and gives it up after a time that varies. Errors do not
/// matter.
inline asio::awaitable<void> give_up_often(std::function<asio::awaitable<void>()> operation,
                                           int rounds) {
    using namespace asio::experimental::awaitable_operators;
    asio::steady_timer timer(co_await asio::this_coro::executor);
    for (int i = 0; i != rounds; ++i) {
        timer.expires_after(std::chrono::microseconds(i * 37 % 500));
        auto trying = operation();
        auto waiting = timer.async_wait(asio::use_awaitable);
        try {
            co_await (std::move(trying) || std::move(waiting));
        } catch (const std::exception&) {  // as when there is nothing more to come
        }
    }
}

}  // namespace test
