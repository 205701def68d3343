// SPDX-License-Identifier: MIT
/// A service with a handler of every sort.
#pragma once

#include "support/calls.hpp"

#include <new>
#include <stdexcept>
#include <system_error>

namespace test {

inline asio::awaitable<sum> add_in_a_while(add_later q) {
    for (std::uint32_t i = 0; i < q.trips; ++i)
        co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    co_return sum{q.a + q.b};
}

inline asio::awaitable<sum> failing(fail_with q) {
    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    switch (q.how) {
        case 0:
            throw std::runtime_error(q.text);
        case 1:
            throw std::system_error(std::make_error_code(std::errc::no_space_on_device), q.text);
        case 2:
            throw remora::error(remora::errc::overloaded, q.text);
        case 3:
            throw std::bad_alloc();
        case 4:
            throw std::system_error(asio::error::operation_aborted);
        case 5:
            throw asio::multiple_exceptions(std::make_exception_ptr(std::runtime_error(q.text)));
        default:
            throw 42;
    }
}

inline remora::service many_answers() {
    remora::service s;
    s.on([](add q) { return sum{q.a + q.b}; });
    s.on(add_in_a_while);
    s.on(for_ever);
    s.on(failing);
    s.on([](echo e) { return std::move(e.what); });
    return s;
}

}  // namespace test
