// SPDX-License-Identifier: MIT
/// A service with a handler of each kind.
#pragma once

#include "support/calls.hpp"

#include <remora/stream.hpp>

namespace torture {

inline asio::awaitable<test::sum> add_late(test::add_later q) {
    for (std::uint32_t i = 0; i < q.trips % 16; ++i)
        co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    co_return test::sum{q.a};
}

inline remora::generator<test::number> count(test::count_up q) {
    for (std::int64_t i = 0; i < q.count; ++i) {
        if (i == q.fail_at) throw std::runtime_error("as asked");
        co_yield remora::item<test::number>(i);
    }
}

inline asio::awaitable<test::sum> total(test::add_up q, remora::stream<test::number> numbers) {
    test::sum result;
    for (std::int64_t n = 0; const auto next = co_await numbers.next();) {
        result.value = static_cast<std::int64_t>(static_cast<std::uint64_t>(result.value) +
                                                 static_cast<std::uint64_t>(next->value));
        if (++n == q.most) break;
    }
    co_return result;
}

inline remora::generator<test::blob> large(test::large_items q) {
    for (std::int32_t i = 0; i < q.count; ++i) {
        const auto b = test::make_blob(static_cast<std::uint64_t>(i), 100'000);
        co_yield b;
    }
}

inline remora::service everything(remora::service_options options = {}) {
    remora::service s(options);
    s.on([](test::add q) {
        return test::sum{static_cast<std::int64_t>(static_cast<std::uint64_t>(q.a) +
                                                   static_cast<std::uint64_t>(q.b))};
    });
    s.on(add_late);
    s.on(test::for_ever);
    s.on(count);
    s.on(large);
    s.on(total);
    s.on([](test::echo q) { return q.what; });
    s.on([](test::number) {});
    return s;
}

}  // namespace torture
