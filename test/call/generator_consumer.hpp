// SPDX-License-Identifier: MIT
/// Generators by themselves, without a pipe: what takes their items.
#pragma once

#include "support/coroutine.hpp"

#include <remora/detail/call/call_access.hpp>
#include <remora/generator.hpp>

#include <memory>
#include <vector>

namespace test {

template <class T>
auto& source_of(const remora::generator<T>& items) {
    return remora::detail::call_access::source_of(items);
}

/// What takes the items.
struct consumer {
    asio::io_context io;
    remora::detail::wake_event_list all;
    remora::detail::wake_event ready{all};
    bool stopped = false;

    template <class T>
    void start(remora::generator<T>& items) {
        source_of(items).start(io.get_executor(), ready, stopped);
    }

    /// Takes all items; what it waits for has to end by itself.
    template <class T>
    std::vector<T> take_all(remora::generator<T> items) {
        std::vector<T> taken;
        start(items);
        asio::co_spawn(io, collect(std::move(items), taken), [](std::exception_ptr why) {
            if (why) std::rethrow_exception(why);
        });
        io.run_for(patience);
        return taken;
    }

private:
    template <class T>
    asio::awaitable<void> collect(remora::generator<T> items, std::vector<T>& into) {
        for (;;) {
            source_of(items).advance();
            while (source_of(items).is_waiting())
                co_await ready.wait([] {});
            if (source_of(items).at_end()) break;
            into.push_back(*source_of(items).item());
        }
        source_of(items).rethrow_failure();
    }
};

inline remora::generator<int> count_to(int count, std::shared_ptr<void> = {}) {
    for (int i = 0; i != count; ++i)
        co_yield i;
}

inline remora::generator<int> count_to_in_turns(int count) {
    const auto executor = co_await asio::this_coro::executor;
    for (int i = 0; i != count; ++i) {
        if (i % 3 != 0) co_await asio::post(executor, asio::use_awaitable);
        co_yield i;
        if (i % 5 == 0) co_await asio::post(executor, asio::use_awaitable);
    }
}

}  // namespace test
