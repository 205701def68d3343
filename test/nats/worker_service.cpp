// SPDX-License-Identifier: MIT
#include "nats/worker_service.hpp"

#include "call/many_answers.hpp"

#include <unistd.h>

namespace test {
namespace {

asio::awaitable<number> tell_who(who_serves q) {
    if (q.then) {
        const wait_for_ever never;
        co_await for_ever(never);
    }
    co_return number{::getpid()};
}

asio::awaitable<number> tell_who_again(who_serves_again q) {
    return tell_who({q.then});
}

remora::generator<number> numbers_up(count_up q) {
    for (std::int64_t i = 0; i != q.count; ++i) {
        if (i == q.fail_at) throw std::runtime_error("no more");
        co_yield remora::item<number>(i);
    }
}

remora::generator<number> doubled(double_each, remora::stream<number> numbers) {
    while (const auto n = co_await numbers.next())
        co_yield remora::item<number>(2 * n->value);
}

}  // namespace

remora::service worker_service() {
    auto service = many_answers();
    service.on(tell_who).on(tell_who_again).on(numbers_up).on(doubled).on(add_all).on(tell_time);
    return service;
}

}  // namespace test
