// SPDX-License-Identifier: MIT
// Counts what is allocated while warm pipes carry messages and calls: nothing. A program of its
// own, since it takes the place of malloc.
#include "support/calls.hpp"
#include "support/pairs.hpp"

#include <remora/any.hpp>
#include <remora/broadcast.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);

static unsigned long allocations = 0;

void* malloc(std::size_t size) {
    ++allocations;
    return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) {
    ++allocations;
    return __libc_calloc(count, size);
}
void* realloc(void* memory, std::size_t size) {
    ++allocations;
    return __libc_realloc(memory, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
    ++allocations;
    return __libc_memalign(alignment, size);
}
}

namespace {

using test::blob;
using test::number;

constexpr int warm_up = 1000;
constexpr int measured = 5000;
constexpr int stretches = 5;
constexpr int all_messages = warm_up + stretches * measured;

// Counts allocations in stretches of messages after the warm-up. What Asio recycles may still grow
// once when rare moments of both sides meet, hence several stretches, of which the best counts:
// what is allocated for each message is in all of them.
class counter {
public:
    // Before message `i`, and after the last one.
    void at(std::int64_t i) {
        if (i < warm_up || (i - warm_up) % measured != 0) return;
        if (i != warm_up) fewest_ = std::min(fewest_, allocations - before_);
        before_ = allocations;
    }
    unsigned long fewest() const { return fewest_; }

private:
    unsigned long before_ = 0;
    unsigned long fewest_ = ~0ul;
};

// Warm is who has also slept: in the warm-up either end keeps the other one waiting at times.
asio::awaitable<void> pause_at_times(asio::any_io_executor executor, std::int64_t i) {
    if (i >= warm_up || i % 100 != 0) co_return;
    asio::steady_timer pause(executor, std::chrono::milliseconds(1));
    co_await pause.async_wait(asio::use_awaitable);
}

asio::awaitable<void> echo(remora::pipe p) {
    while (const auto n = co_await p.next<number>()) {
        co_await pause_at_times(p.get_executor(), n->value);
        co_await p.send(*n);
    }
}

asio::awaitable<void> take(remora::pipe p) {
    blob b;
    while (true)
        co_await p.receive(b);
}

// How many allocations there are in the later ones of many round trips.
asio::awaitable<unsigned long> round_trips(remora::pipe p) {
    counter count;
    for (number n{0}; n.value < all_messages; ++n.value) {
        count.at(n.value);
        co_await pause_at_times(p.get_executor(), n.value + 50);
        co_await p.send(n);
        const auto back = co_await p.receive<number>();
        if (back.value != n.value) std::abort();
    }
    count.at(all_messages);
    co_return count.fewest();
}

// The same for messages that the other side takes as they come.
asio::awaitable<unsigned long> one_way(remora::pipe p) {
    const blob b = test::make_blob(1, 500);
    counter count;
    for (int i = 0; i < all_messages; ++i) {
        count.at(i);
        co_await p.send(b);
        if (i % 16 == 0) co_await asio::post(p.get_executor(), asio::use_awaitable);
    }
    count.at(all_messages);
    co_return count.fewest();
}

// Bytes by reference, and an answer when they were looked at.
struct picture {
    std::int64_t number = 0;
    remora::shared_bytes pixels;
};

asio::awaitable<void> look(remora::pipe p) {
    picture seen;
    while (true) {
        co_await p.receive(seen);
        co_await pause_at_times(p.get_executor(), seen.number);
        const number n{seen.number + std::to_integer<std::int64_t>(seen.pixels.begin()[5])};
        seen.pixels = {};
        co_await p.send(n);
    }
}

asio::awaitable<unsigned long> by_reference(remora::pipe p) {
    counter count;
    picture sent;
    for (sent.number = 0; sent.number < all_messages; ++sent.number) {
        count.at(sent.number);
        co_await pause_at_times(p.get_executor(), sent.number + 50);
        auto pixels = p.allocate(64u << 10);
        if (!pixels.is_shared()) std::abort();
        pixels.begin()[5] = std::byte{5};
        sent.pixels = std::move(pixels);
        co_await p.send(sent);
        const auto back = co_await p.receive<number>();
        if (back.value != sent.number + 5) std::abort();
    }
    count.at(all_messages);
    co_return count.fewest();
}

// Answers calls, one by a plain function and one by a coroutine.
asio::awaitable<test::sum> add_soon(test::add_later q) {
    co_await pause_at_times(co_await asio::this_coro::executor, q.a);
    co_return test::sum{q.a + q.b};
}

asio::awaitable<void> answer(remora::pipe p) {
    remora::service s;
    s.on([](test::add q) { return test::sum{q.a + q.b}; });
    s.on(add_soon);
    co_await p.serve(s);
}

// How many allocations there are in the later ones of many calls.
template <class Request>
asio::awaitable<unsigned long> calls(remora::pipe p) {
    counter count;
    for (int i = 0; i < all_messages; ++i) {
        count.at(i);
        co_await pause_at_times(p.get_executor(), i + 50);
        const Request q{i, 1};
        const auto s = co_await p.call(q);
        if (s.value != i + 1) std::abort();
    }
    count.at(all_messages);
    co_return count.fewest();
}

// The same in bytes, on both sides; and typed calls through a proxy.
asio::awaitable<remora::any_answer> add_in_bytes(remora::any_call call) {
    const auto q = call.request().as<test::add_later>();
    co_await pause_at_times(co_await asio::this_coro::executor, q.a);
    co_return remora::any_value::of(test::sum{q.a + q.b});
}

asio::awaitable<void> answer_in_bytes(remora::pipe p) {
    co_await p.serve(remora::service().on_any(add_in_bytes));
}

asio::awaitable<unsigned long> calls_in_bytes(remora::pipe p) {
    counter count;
    for (int i = 0; i < all_messages; ++i) {
        count.at(i);
        co_await pause_at_times(p.get_executor(), i + 50);
        const auto q = remora::any_value::of(test::add_later{i, 1, 0});
        auto reply = co_await p.call_bytes(q);
        if (reply.value()->as<test::sum>().value != i + 1) std::abort();
    }
    count.at(all_messages);
    co_return count.fewest();
}

asio::awaitable<void> pass_on(remora::pipe p) {
    auto [back, server] = remora::make_pipe_pair(p.get_executor());
    server.attach(remora::service().on(add_soon));
    co_await p.serve(remora::service().on_any(
        [&to = back](remora::any_call call) { return to.pass_on(std::move(call)); }));
}

using partner = asio::awaitable<void> (*)(remora::pipe);
using counted = asio::awaitable<unsigned long> (*)(remora::pipe);

bool check(const char* what, const test::pair_maker& make, counted here, partner there) {
    asio::io_context io{1};
    auto [a, b] = make(io);
    unsigned long count = ~0ul;
    asio::co_spawn(io, there(std::move(b)), asio::detached);
    asio::co_spawn(io, here(std::move(a)), [&](std::exception_ptr, unsigned long n) {
        count = n;
        io.stop();
    });
    io.run();
    std::printf("%s: %lu allocations in %d messages\n", what, count, measured);
    return count == 0;
}

asio::awaitable<void> take_all(remora::subscription<number> mine, std::int64_t& taken) {
    while (const auto n = co_await mine.next())
        ++taken;
}

// An item of a broadcast is allocated once, however many take it.
bool check_broadcast(int subscribers) {
    asio::io_context io{1};
    remora::broadcast<number> all;
    std::int64_t taken = 0;
    counter count;
    for (int i = 0; i != subscribers; ++i)
        asio::co_spawn(io, take_all(all.subscribe(), taken), asio::detached);
    for (std::int64_t i = 0; i <= all_messages; ++i) {
        io.poll();
        count.at(i);
        all.send({i});
    }
    io.poll();
    std::printf("a broadcast to %d: %lu allocations in %d items\n", subscribers, count.fewest(),
                measured);
    return taken == std::int64_t{subscribers} * (all_messages + 1) && count.fewest() == measured;
}

}  // namespace

int main() {
    using remora::wait_policy;
    bool good = true;
    for (const auto policy : {wait_policy::block, wait_policy::adaptive}) {
        const auto rings = [=](asio::io_context& io) {
            return test::shared_pair(io, 256 << 10, policy);
        };
        const auto fifos = [=](asio::io_context& io) {
            return test::watching_fifo_pair(io, policy);
        };
        std::printf("%s\n", remora::to_string(policy).c_str());
        good &= check("round trips over rings", rings, round_trips, echo);
        const auto lending = [](asio::io_context& io) { return test::lending_pair(io); };
        good &= check("bytes by reference", lending, by_reference, look);
        good &= check("round trips over FIFOs", fifos, round_trips, echo);
        good &= check("one way over rings", rings, one_way, take);
        good &= check("one way over FIFOs", fifos, one_way, take);
        good &= check("calls over rings", rings, calls<test::add>, answer);
        good &= check("calls over FIFOs", fifos, calls<test::add>, answer);
        good &= check("coroutines over rings", rings, calls<test::add_later>, answer);
        good &= check("coroutines over FIFOs", fifos, calls<test::add_later>, answer);
        good &= check("calls in bytes", rings, calls_in_bytes, answer_in_bytes);
        good &= check("calls through a proxy", rings, calls<test::add_later>, pass_on);
    }
    for (const int subscribers : {1, 3, 30})
        good &= check_broadcast(subscribers);
    return good ? 0 : 1;
}
