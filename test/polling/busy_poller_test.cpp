// SPDX-License-Identifier: MIT
// What is polled before coroutines sleep.
#include "support/coroutine.hpp"

#include "polling/busy_poller.hpp"
#include "polling/usable_cpus.hpp"

#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <optional>
#include <thread>
#include <vector>

namespace {

using namespace test;
using remora::detail::busy_poller;
using remora::detail::poll_entry;
using remora::detail::poll_guard;
using remora::detail::wait_outcome;

constexpr auto without_end = std::chrono::nanoseconds::max();

// Keeps this thread, and those that it starts, on the CPU where it is.
class on_one_cpu {
public:
    on_one_cpu() {
        cpu_set_t one;
        ::sched_getaffinity(0, sizeof before_, &before_);
        CPU_ZERO(&one);
        CPU_SET(::sched_getcpu(), &one);
        REQUIRE(::sched_setaffinity(0, sizeof one, &one) == 0);
    }
    ~on_one_cpu() { ::sched_setaffinity(0, sizeof before_, &before_); }

private:
    cpu_set_t before_;
};

TEST_CASE("a process that may use one CPU does not poll") {
    asio::io_context io;
    {
        const on_one_cpu bound;
        CHECK(remora::detail::usable_cpus() == 1);
        CHECK(!busy_poller::of(io.get_executor())->can_poll());
    }
    cpu_set_t all;
    ::sched_getaffinity(0, sizeof all, &all);
    CHECK(remora::detail::usable_cpus() <= static_cast<unsigned>(CPU_COUNT(&all)));
}

// True once another thread has had the CPU.
bool compute_until_interrupted() {
    rusage start{}, now{};
    ::getrusage(RUSAGE_THREAD, &start);
    do {
        ::getrusage(RUSAGE_THREAD, &now);
    } while (now.ru_nivcsw == start.ru_nivcsw);
    return true;
}

// Polls `count` entries, all of which are ready at once, while others want this CPU: how many of
// them say that it was lost.
std::ptrdiff_t told_of_a_loss(std::size_t count) {
    const on_one_cpu bound;
    std::atomic<bool> stop{false};
    std::thread hog([&stop] {
        while (!stop.load()) {
        }
    });
    asio::io_context io;
    std::deque<poll_entry> entries;
    const auto compute = [] {
        const auto start = busy_poller::clock::now();
        while (compute_until_interrupted() && busy_poller::clock::now() - start < 200us) {
        }
        return true;
    };
    for (std::size_t i = 0; i != count; ++i)
        entries.emplace_back(compute, false);
    const auto poll_it = [](std::shared_ptr<busy_poller> poller,
                            poll_entry& entry) -> asio::awaitable<void> {
        const poll_guard polling(*poller, entry, std::chrono::nanoseconds::max());
        co_await entry.wait();
    };
    for (poll_entry& entry : entries)
        asio::co_spawn(io, poll_it(busy_poller::of(io.get_executor()), entry), asio::detached);
    io.run();
    stop = true;
    hog.join();
    const auto is_ready = [](const auto& e) { return e.outcome() == wait_outcome::ready; };
    CHECK(std::ranges::all_of(entries, is_ready));
    return std::ranges::count_if(entries, &poll_entry::has_lost_cpu);
}

TEST_CASE("an entry that was polled while the CPU was lost says so, though it is ready") {
    CHECK(told_of_a_loss(1) == 1);
}

TEST_CASE("of many entries that were polled while the CPU was lost one says so") {
    CHECK(told_of_a_loss(10) == 1);
}

// Polls for what never comes; notes how that ended.
asio::awaitable<void> poll_for_nothing(std::shared_ptr<busy_poller> poller, bool needs_syscall,
                                       std::chrono::nanoseconds limit,
                                       std::optional<wait_outcome>& result) {
    poll_entry entry([] { return false; }, needs_syscall);
    {
        const poll_guard polling(*poller, entry, limit);
        co_await entry.wait();
    }
    result = entry.outcome();
}

asio::awaitable<void> poll_until(std::shared_ptr<busy_poller> poller, const bool& ready) {
    poll_entry entry([&ready] { return ready; }, false);
    const poll_guard polling(*poller, entry, std::chrono::nanoseconds::max());
    co_await entry.wait();
}

// How often an entry is polled in one slice, beside somebody who has yielded.
int polls_in_a_short_slice() {
    asio::io_context io;
    const auto poller = busy_poller::of(io.get_executor());
    int polls = 0;
    poll_entry entry(
        [&polls] {
            ++polls;
            return false;
        },
        false);
    const poll_guard polling(*poller, entry, without_end);
    unsigned of_end = 0;
    const remora::detail::yielding somebody(poller.get(), of_end);
    io.poll_one();
    return polls;
}

TEST_CASE("a slice is short while somebody waits to go on") {
    for (int i = 0; i != 20; ++i)
        CHECK(polls_in_a_short_slice() == 4);
}

// How long others had the thread, as one sees it whose wait ends after `idle`, and after they
// have worked for so long.
std::chrono::nanoseconds waited_after(std::chrono::milliseconds idle,
                                      std::chrono::milliseconds work) {
    asio::io_context io;
    const auto poller = busy_poller::of(io.get_executor());
    bool ready = false;
    std::chrono::nanoseconds waited{};
    const auto wait = [&]() -> asio::awaitable<void> {
        poll_entry entry([&ready] { return ready; }, false);
        {
            const poll_guard polling(*poller, entry, without_end);
            co_await entry.wait();
        }
        waited = entry.waited();
    };
    asio::co_spawn(io, wait(), asio::detached);
    io.run_for(idle);
    asio::post(io, [&] {
        std::this_thread::sleep_for(work);
        ready = true;
    });
    io.run();
    return waited;
}

TEST_CASE(
    "who was polled knows for how long others had the thread, but not for how long nobody had") {
    CHECK(waited_after(1ms, 20ms) >= 20ms);
    CHECK(waited_after(300ms, 0ms) < 150ms);
}

TEST_CASE("polling ends when its time is over") {
    asio::io_context io;
    std::optional<wait_outcome> result;
    asio::co_spawn(io, poll_for_nothing(busy_poller::of(io.get_executor()), false, 1ms, result),
                   asio::detached);
    io.run();
    CHECK(result == wait_outcome::timed_out);
}

TEST_CASE("coroutines that wait go with the context, and so does the poller") {
    std::weak_ptr<busy_poller> poller;
    {
        asio::io_context io;
        std::optional<wait_outcome> result;
        const auto held = busy_poller::of(io.get_executor());
        poller = held;
        for (int i = 0; i < 3; ++i)
            asio::co_spawn(io, poll_for_nothing(held, false, without_end, result), asio::detached);
        io.run_for(1ms);
        CHECK(!result);
    }
    CHECK(poller.expired());
}

TEST_CASE("an exception out of one that was resumed keeps the others from nothing") {
    asio::io_context io;
    const auto poller = busy_poller::of(io.get_executor());
    bool ready = false;
    int resumed = 0;
    for (int i = 0; i < 3; ++i)
        asio::co_spawn(io, poll_until(poller, ready), [&](std::exception_ptr) {
            if (++resumed == 1) throw std::runtime_error("one");
        });
    io.run_for(1ms);
    ready = true;
    CHECK_THROWS_AS(io.run(), std::runtime_error);
    io.run();
    CHECK(resumed == 3);
}

// Its poll interrupts all that wait there.
asio::awaitable<void> poll_and_end_all(std::shared_ptr<busy_poller> poller,
                                       std::vector<poll_entry*>& all, int& resumed) {
    poll_entry entry(
        [&all] {
            for (poll_entry* each : all)
                each->interrupt();
            return true;
        },
        false);
    all.push_back(&entry);
    {
        const poll_guard polling(*poller, entry, without_end);
        co_await entry.wait();
    }
    ++resumed;
}

TEST_CASE("a poll may end every entry, and each coroutine is resumed once") {
    asio::io_context io;
    const auto poller = busy_poller::of(io.get_executor());
    std::vector<poll_entry*> all;
    int resumed = 0;
    for (int i = 0; i < 3; ++i)
        asio::co_spawn(io, poll_and_end_all(poller, all, resumed), asio::detached);
    io.run();
    CHECK(resumed == 3);
}

TEST_CASE("in a context the poller that was asked last goes on, the waits of others sleep") {
    asio::io_context io;
    const auto first = asio::make_strand(io), second = asio::make_strand(io);
    std::optional<wait_outcome> one, other;
    asio::co_spawn(first, poll_for_nothing(busy_poller::of(first), false, without_end, one),
                   asio::detached);
    io.run_for(2ms);
    CHECK(!one);
    asio::co_spawn(second, poll_for_nothing(busy_poller::of(second), false, without_end, other),
                   asio::detached);
    io.run_for(2ms);
    CHECK(one == wait_outcome::replaced);
    CHECK(!other);
}

TEST_CASE("of entries that make system calls only the newest is polled") {
    asio::io_context io;
    const auto poller = busy_poller::of(io.get_executor());
    std::optional<wait_outcome> one, other, cheap;
    asio::co_spawn(io, poll_for_nothing(poller, false, without_end, cheap), asio::detached);
    asio::co_spawn(io, poll_for_nothing(poller, true, without_end, one), asio::detached);
    asio::co_spawn(io, poll_for_nothing(poller, true, without_end, other), asio::detached);
    io.run_for(2ms);
    CHECK(one == wait_outcome::replaced);
    CHECK(!other);
    CHECK(!cheap);
}

TEST_CASE(
    "an interruption is not lost, though the polling has ended before the coroutine resumes") {
    asio::io_context io;
    const auto poller = busy_poller::of(io.get_executor());
    poll_entry entry([] { return false; }, false);
    {
        const poll_guard polling(*poller, entry, 0ns);
        io.run();  // one slice, after which its time is over
        CHECK(entry.outcome() == wait_outcome::timed_out);
        entry.interrupt();
        CHECK(entry.outcome() == wait_outcome::interrupted);
    }
}

}  // namespace
