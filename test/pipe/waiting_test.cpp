// SPDX-License-Identifier: MIT
// How the ends of pipes wait, and what that may not cost.
#include "support/pairs.hpp"
#include "support/runs.hpp"

#include "transport/transport.hpp"

#include <fstream>
#include <sstream>

namespace {

using namespace test;
using remora::wait_policy;

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
                                      : std::pair{remora::detail::transport_parts{},
                                                  remora::detail::transport_parts{}};
            if (!rings) std::tie(one.fifo, other.fifo) = test::make_connected_ends();
            auto b = make_pipe(io, std::move(other), wait_policy::spin);
            background waiting(io.get_executor(), b.receive<number>());
            co_await settle();
            CHECK(!waiting.done());
            one = {};
            CHECK((co_await waiting.result()).code == code(remora::errc::broken_pipe));
        });
    }
}

asio::awaitable<void> send_both(remora::pipe& p, const blob& one, const blob& other) {
    co_await p.send(one);
    co_await p.send(other);
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

TEST_CASE("time limits about as long as the polling end every wait") {
    for (const bool rings : {true, false}) {
        test::run([rings](asio::io_context& io) -> asio::awaitable<void> {
            auto [a, b] = rings ? shared_pair(io, 4096, wait_policy::adaptive)
                                : watching_fifo_pair(io, wait_policy::adaptive);
            for (int i = 0; i < 300; ++i) {
                co_await a.send<number>(i);  // keeps the policy polling
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
    remora::transport_kind kind() const noexcept override { return {}; }
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
        auto p = remora::detail::call_access::make_pipe(std::make_shared<remora::detail::pipe_end>(
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
        const auto sending = co_await failure_of(p.send<number>(1));
        CHECK(sending.code == std::errc::not_enough_memory);  // it is in no queue any more
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
