// SPDX-License-Identifier: MIT
// How waits watch for news, and what that may not cost.
#include "support/pairs.hpp"
#include "support/runs.hpp"

#include "polling/busy_poller.hpp"
#include "polling/usable_cpus.hpp"
#include "transport/transport.hpp"

#include <sched.h>
#include <sys/resource.h>

#include <atomic>
#include <fstream>
#include <sstream>
#include <thread>

namespace {

using namespace test;
using remora::wait_policy;
using remora::detail::busy_poller;
using remora::detail::poll_entry;
using remora::detail::poll_guard;
using remora::detail::wait_outcome;

// Clock ticks of CPU time that a process has used.
long ticks_of(const std::string& pid) {
    std::ifstream file("/proc/" + pid + "/stat");
    std::string all((std::istreambuf_iterator<char>(file)), {});
    std::istringstream fields(all.substr(all.rfind(')') + 2));
    std::string skipped;
    for (int i = 0; i < 11; ++i)
        fields >> skipped;
    long user = 0, system = 0;
    fields >> user >> system;
    return user + system;
}

TEST_CASE("a server and an app that wait for each other use no CPU time") {
    served_run r({"waits"});
    bool waiting = false;
    r.server.serve("silent", [&](remora::pipe p) -> asio::awaitable<void> {
        co_await p.receive<number>();
        waiting = true;
        co_await p.next<number>();
    });
    while (!waiting)
        r.io.run_one();
    r.io.run_for(200ms);
    const std::string app = std::to_string(r.run().pid());
    const long ours = ticks_of("self"), theirs = ticks_of(app);
    r.io.run_for(1s);
    CHECK(ticks_of("self") - ours <= 1);  // where one begins is chance
    CHECK(ticks_of(app) - theirs <= 1);
    r.run().kill();
    r.finish();
}

TEST_CASE("a wait that spins lets timers and other handlers run") {
    for (const bool rings : {true, false}) {
        test::run([rings](asio::io_context& io) -> asio::awaitable<void> {
            auto [a, b] = rings ? shared_pair(io, 4096, wait_policy::spin)
                                : watching_fifo_pair(io, wait_policy::spin);
            background waiting(io.get_executor(), b.receive<number>());
            asio::steady_timer timer(io);
            for (int i = 0; i < 20; ++i) {
                timer.expires_after(1ms);
                co_await timer.async_wait(asio::use_awaitable);
            }
            CHECK(!waiting.done());
            co_await a.send<number>(1);
            CHECK(!(co_await waiting.result()).code);
        });
    }
}

TEST_CASE("the end of a peer is seen by a wait that spins") {
    for (const bool rings : {true, false}) {
        test::run([rings](asio::io_context& io) -> asio::awaitable<void> {
            auto [one, other] = rings ? make_shared_ends(4096)
                                      : std::pair{remora::detail::connection_ends{},
                                                  remora::detail::connection_ends{}};
            if (!rings) std::tie(one.fifo, other.fifo) = remora::detail::make_connected_ends();
            auto b = make_pipe(io, std::move(other), wait_policy::spin);
            background waiting(io.get_executor(), b.receive<number>());
            co_await settle();
            CHECK(!waiting.done());
            one = {};
            CHECK((co_await waiting.result()).code == code(remora::errc::broken_pipe));
        });
    }
}

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

TEST_CASE("a process that may use one CPU does not watch") {
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

TEST_CASE("a watch that has lost the CPU says so, though it has found something") {
    const on_one_cpu bound;
    std::atomic<bool> stop{false};
    std::thread hog([&stop] {
        while (!stop.load()) {
        }
    });
    asio::io_context io;
    poll_entry w(
        [] {
            const auto start = busy_poller::clock::now();
            while (compute_until_interrupted() && busy_poller::clock::now() - start < 200us) {
            }
            return true;
        },
        false);
    const auto watch_it = [&w](std::shared_ptr<busy_poller> place) -> asio::awaitable<void> {
        const poll_guard going_on(*place, w, std::chrono::nanoseconds::max());
        co_await w.wait();
    };
    asio::co_spawn(io, watch_it(busy_poller::of(io.get_executor())), asio::detached);
    io.run();
    stop = true;
    hog.join();
    CHECK(w.outcome() == wait_outcome::ready);
    CHECK(w.has_lost_cpu());
}

// Watches for what never comes; notes how that ended.
asio::awaitable<void> watch_for(std::shared_ptr<busy_poller> place, bool needs_syscall,
                                std::chrono::nanoseconds limit,
                                std::optional<wait_outcome>& result) {
    poll_entry w([] { return false; }, needs_syscall);
    {
        const poll_guard going_on(*place, w, limit);
        co_await w.wait();
    }
    result = w.outcome();
}

asio::awaitable<void> watch_until(std::shared_ptr<busy_poller> place, const bool& news) {
    poll_entry w([&news] { return news; }, false);
    const poll_guard going_on(*place, w, std::chrono::nanoseconds::max());
    co_await w.wait();
}

asio::awaitable<void> send_both(remora::pipe& p, const blob& one, const blob& other) {
    co_await p.send(one);
    co_await p.send(other);
}

constexpr auto for_ever = std::chrono::nanoseconds::max();

TEST_CASE("a watch ends when its time is over") {
    asio::io_context io;
    std::optional<wait_outcome> result;
    asio::co_spawn(io, watch_for(busy_poller::of(io.get_executor()), false, 1ms, result),
                   asio::detached);
    io.run();
    CHECK(result == wait_outcome::timed_out);
}

TEST_CASE("who watches goes with the context, and lets go of what he watches") {
    std::weak_ptr<busy_poller> place;
    {
        asio::io_context io;
        std::optional<wait_outcome> result;
        const auto held = busy_poller::of(io.get_executor());
        place = held;
        for (int i = 0; i < 3; ++i)
            asio::co_spawn(io, watch_for(held, false, for_ever, result), asio::detached);
        io.run_for(1ms);
        CHECK(!result);
    }
    CHECK(place.expired());
}

TEST_CASE("an exception out of one that had news keeps the others from nothing") {
    asio::io_context io;
    const auto place = busy_poller::of(io.get_executor());
    bool news = false;
    int resumed = 0;
    for (int i = 0; i < 3; ++i)
        asio::co_spawn(io, watch_until(place, news), [&](std::exception_ptr) {
            if (++resumed == 1) throw std::runtime_error("one");
        });
    io.run_for(1ms);
    news = true;
    CHECK_THROWS_AS(io.run(), std::runtime_error);
    io.run();
    CHECK(resumed == 3);
}

// Its look interrupts all that wait there.
asio::awaitable<void> watch_and_end_all(std::shared_ptr<busy_poller> place,
                                        std::vector<poll_entry*>& all, int& resumed) {
    poll_entry w(
        [&all] {
            for (poll_entry* each : all)
                each->interrupt();
            return true;
        },
        false);
    all.push_back(&w);
    {
        const poll_guard going_on(*place, w, for_ever);
        co_await w.wait();
    }
    ++resumed;
}

TEST_CASE("a look may end every watch, and each waiter is resumed once") {
    asio::io_context io;
    const auto place = busy_poller::of(io.get_executor());
    std::vector<poll_entry*> all;
    int resumed = 0;
    for (int i = 0; i < 3; ++i)
        asio::co_spawn(io, watch_and_end_all(place, all, resumed), asio::detached);
    io.run();
    CHECK(resumed == 3);
}

TEST_CASE("a peer that corrupts its index while this end sends and receives fails the send only") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        auto [one, other] = make_shared_ends(4096);
        auto p = make_pipe(io, std::move(one), wait_policy::spin);
        const blob big = make_blob(1, 1 << 20);
        background receiving(io.get_executor(), p.receive<number>());
        background sending(io.get_executor(), p.send(big));
        co_await settle();
        down_indices(other.rings).tail.store(std::uint64_t{1} << 40);
        CHECK((co_await sending.result()).code == code(remora::errc::protocol_error));
        CHECK(!receiving.done());
        other = {};
        CHECK((co_await receiving.result()).code == code(remora::errc::broken_pipe));
    });
}

TEST_CASE("in a context the busy_poller that was asked last goes on, the others' waits sleep") {
    asio::io_context io;
    const auto first = asio::make_strand(io), second = asio::make_strand(io);
    std::optional<wait_outcome> one, other;
    asio::co_spawn(first, watch_for(busy_poller::of(first), false, for_ever, one), asio::detached);
    io.run_for(2ms);
    CHECK(!one);
    asio::co_spawn(second, watch_for(busy_poller::of(second), false, for_ever, other),
                   asio::detached);
    io.run_for(2ms);
    CHECK(one == wait_outcome::replaced);
    CHECK(!other);
}

TEST_CASE("of watches that cost system calls only the newest goes on") {
    asio::io_context io;
    const auto place = busy_poller::of(io.get_executor());
    std::optional<wait_outcome> one, other, cheap;
    asio::co_spawn(io, watch_for(place, false, for_ever, cheap), asio::detached);
    asio::co_spawn(io, watch_for(place, true, for_ever, one), asio::detached);
    asio::co_spawn(io, watch_for(place, true, for_ever, other), asio::detached);
    io.run_for(2ms);
    CHECK(one == wait_outcome::replaced);
    CHECK(!other);
    CHECK(!cheap);
}

TEST_CASE("an interruption is not lost, though the watch has ended before the waiter resumes") {
    asio::io_context io;
    const auto place = busy_poller::of(io.get_executor());
    poll_entry w([] { return false; }, false);
    {
        const poll_guard going_on(*place, w, 0ns);
        io.run();  // one slice, after which its time is over
        CHECK(w.outcome() == wait_outcome::timed_out);
        w.interrupt();
        CHECK(w.outcome() == wait_outcome::interrupted);
    }
}

TEST_CASE("time limits about as long as the watching end every wait") {
    for (const bool rings : {true, false}) {
        test::run([rings](asio::io_context& io) -> asio::awaitable<void> {
            auto [a, b] = rings ? shared_pair(io, 4096, wait_policy::adaptive)
                                : watching_fifo_pair(io, wait_policy::adaptive);
            for (int i = 0; i < 300; ++i) {
                co_await a.send<number>(i);  // keeps the policy watching
                co_await b.receive<number>();
                const auto limit = std::chrono::microseconds(30 + i % 40);
                auto waiting = failure_of(b.receive<number>({.timeout = limit}));
                CHECK((co_await std::move(waiting)).code == code(remora::errc::timed_out));
            }
        });
    }
}

// On which every wait fails, as where there is no memory for it.
class without_waits final : public remora::detail::transport {
public:
    explicit without_waits(int& going_on) : going_on_(going_on) {}
    remora::transport_kind what() const noexcept override { return {}; }
    fetched fetch(std::size_t) override { return fetched::nothing; }
    std::size_t write(std::span<const std::byte>) override { return 0; }
    bool begin_wait(readiness) override { return ++going_on_ != 0; }
    asio::awaitable<void> wait(readiness, std::error_code&) override { throw std::bad_alloc(); }
    void end_wait(readiness) override { --going_on_; }
    void cancel() noexcept override {}
    void close() noexcept override {}

private:
    int& going_on_;
};

TEST_CASE("a wait that fails to start is not counted as going on") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        int going_on = 0;
        remora::pipe p(std::make_shared<remora::detail::pipe_end>(
            io.get_executor(), std::make_unique<without_waits>(going_on), "pair",
            remora::pipe_limits{}, remora::errc::broken_pipe));
        bool failed = false;
        try {
            co_await p.receive<number>();
        } catch (const std::bad_alloc&) {
            failed = true;
        }
        CHECK(failed);
        CHECK(going_on == 0);
        co_await p.send<number>(1);
        co_await settle();
        CHECK(going_on == 0);
    });
}

// A frame that takes up the whole ring, behind one whose room has not been given back yet.
TEST_CASE("a message as large as the ring passes, however both ends wait") {
    for (const auto policy : {wait_policy::block, wait_policy::adaptive, wait_policy::spin}) {
        test::run([policy](asio::io_context& io) -> asio::awaitable<void> {
            auto [a, b] = shared_pair(io, 4096, policy);
            for (std::size_t size = 3500; size < 4200; size += 7) {
                const blob small = make_blob(1, 20), big = make_blob(2, size);
                background sending(io.get_executor(), send_both(a, small, big));
                co_await b.receive<blob>();
                CHECK((co_await b.receive<blob>()).bytes.size() == size);
                CHECK(!(co_await sending.result()).code);
            }
        });
    }
}

}  // namespace
