// SPDX-License-Identifier: MIT
// What becomes of calls when their pipe ends, or their context.
#include "call/many_answers.hpp"
#include "call/outcome.hpp"
#include "support/pairs.hpp"

#include "base/exceptions.hpp"

#include <remora/pipe.hpp>

#include <asio/experimental/awaitable_operators.hpp>

using namespace test;

namespace {

using namespace asio::experimental::awaitable_operators;
using remora::errc;
using remora::failure_kind;
using remora::pipe;
using remora::service;

TEST_CASE("a pipe that ends fails each pending call once, and later calls at once") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        far.attach(many_answers());
        wait_for_ever q;
        std::vector<std::unique_ptr<background>> calls;
        for (int i = 0; i != 5; ++i)
            calls.push_back(std::make_unique<background>(near.get_executor(), near.call(q)));
        while (far.counts().running_handlers != 5)
            co_await settle();
        co_await far.close();
        for (auto& call : calls) {
            const auto failure = co_await call->result();
            CHECK(failure.code == errc::closed);
        }
        const auto late = co_await outcome_of(near.call<add>(1, 1));
        CHECK(late.kind == failure_kind::gone);
        CHECK(late.code == errc::closed);
        CHECK(near.counts().calls == 0);
    });
}

asio::awaitable<void> wait_for_both(pipe& near) {
    auto one = near.call<wait_for_ever>(), other = near.call<wait_for_ever>();
    co_await (std::move(one) && std::move(other));
}

TEST_CASE("calls that are awaited together and end with the conversation say why") {
    using remora::detail::first_of;
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        service s;
        s.on(for_ever);
        far.attach(s);
        std::exception_ptr why;
        asio::co_spawn(near.get_executor(), wait_for_both(near),
                       [&](std::exception_ptr e) { why = first_of(e); });
        co_await settle();
        co_await far.close();
        co_await settle();
        REQUIRE(why);
        CHECK_THROWS_AS(std::rethrow_exception(why), remora::remote_error);
    });
}

TEST_CASE("ends that are dropped go with their readers, and the context has nothing left to do") {
    asio::io_context io;
    auto [near, far] = remora::make_pipe_pair(io);
    std::int64_t value = 0;
    asio::co_spawn(
        io,
        [](pipe near, pipe far, std::int64_t& value) -> asio::awaitable<void> {
            far.attach(many_answers());
            const auto s = co_await near.call<add>(2, 3);
            value = s.value;
        }(std::move(near), std::move(far), value),
        asio::detached);
    io.run();
    CHECK(value == 5);
}

TEST_CASE("calls that wait die with their context") {
    asio::io_context io;
    auto [near, far] = remora::make_pipe_pair(io);
    far.attach(many_answers());
    asio::co_spawn(
        io,
        [](pipe p) -> asio::awaitable<void> {
            wait_for_ever q;
            co_await p.call(q);
        }(std::move(near)),
        asio::detached);
    io.run_for(20ms);
}

TEST_CASE("an exception out of a caller's completion handler leaves run()") {
    asio::io_context io;
    auto [near, far] = remora::make_pipe_pair(io);
    far.attach(many_answers());
    asio::co_spawn(
        io,
        [](pipe& p) -> asio::awaitable<void> {
            const auto s = co_await p.call<add>(1, 1);
            throw std::runtime_error("mine " + std::to_string(s.value));
        }(near),
        [](std::exception_ptr e) { std::rethrow_exception(e); });
    CHECK_THROWS_WITH(io.run(), "mine 2");
    int value = 0;
    asio::co_spawn(
        io,
        [](pipe& p, int& value) -> asio::awaitable<void> {
            const auto s = co_await p.call<add>(1, 2);
            value = static_cast<int>(s.value);
            co_await p.close();
        }(near, value),
        asio::detached);
    io.run_for(5s);
    CHECK(value == 3);
}

TEST_CASE("full ends that are both dropped do not wait for each other") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        const blob large = make_blob(1, 8'000'000);
        background one(near.get_executor(), near.send(large));
        background other(far.get_executor(), far.send(large));
        co_await settle();
        {
            const pipe dropped = std::move(near), too = std::move(far);
        }
        co_await one.result();
        co_await other.result();
    });
}

TEST_CASE("a full end that closes on a strand while somebody receives goes on reading") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        auto ends = test::make_shared_ends(4096);
        pipe near = test::make_pipe(asio::make_strand(io), std::move(ends.first));
        pipe far = test::make_pipe(io.get_executor(), std::move(ends.second));
        const blob large = make_blob(1, 1'000'000);
        background receiving(near.get_executor(), near.receive<blob>());
        background one(near.get_executor(), near.send(large));
        co_await settle();
        background closing(near.get_executor(), near.close());
        co_await settle();
        background other(far.get_executor(), far.send(large));
        co_await other.result();
        const auto received = co_await far.receive<blob>();
        CHECK(received.bytes == large.bytes);
        co_await one.result();
        co_await closing.result();
        co_await receiving.result();
    });
}

}  // namespace
