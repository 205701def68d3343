// SPDX-License-Identifier: MIT
/// Streams of numbers whose producers leave a trace.
#pragma once

#include "support/calls.hpp"
#include "support/support.hpp"

#include <memory>
#include <stdexcept>

namespace test {

/// What a producer leaves behind: how far it came, and whether it is gone.
struct trace {
    std::int64_t yielded = 0;
    bool is_gone = false;
    std::shared_ptr<void> mark() {
        return {static_cast<void*>(nullptr), [this](void*) { is_gone = true; }};
    }
};

inline remora::generator<number> counting(count_up q, trace& seen, bool in_turns) {
    const auto mark = seen.mark();
    const auto executor = co_await asio::this_coro::executor;
    for (std::int64_t i = 0; i != q.count; ++i) {
        if (i == q.fail_at) throw std::runtime_error("no more numbers");
        if (in_turns && i % 3 == 0) co_await asio::post(executor, asio::use_awaitable);
        seen.yielded = i + 1;
        co_yield remora::item<number>(i);
    }
}

inline remora::service counter(trace& seen, bool in_turns) {
    remora::service s;
    s.on([&seen, in_turns](count_up q) { return counting(q, seen, in_turns); });
    s.on(add_all);
    s.on([](add q) { return sum{q.a + q.b}; });
    return s;
}

/// Takes a stream to its end: the sum of its numbers, which come in order.
inline asio::awaitable<std::int64_t> take_all(remora::stream<number> numbers) {
    std::int64_t next = 0;
    while (const auto n = co_await numbers.next()) {
        CHECK(n->value == next);
        ++next;
    }
    co_return next;
}

}  // namespace test
