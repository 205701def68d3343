// SPDX-License-Identifier: MIT
// Calls and streams that end at odd moments.
#include "support/calls.hpp"
#include "support/pairs.hpp"

#include "base/exceptions.hpp"

#include <remora/pipe.hpp>

#include <asio/experimental/awaitable_operators.hpp>

using namespace test;

namespace {

using namespace asio::experimental::awaitable_operators;
using remora::errc;
using remora::failure_kind;
using remora::generator;
using remora::pipe;
using remora::service;
using remora::stream;

/// Answered with the number of blobs that were uploaded.
struct pour {
    using reply = sum;
    using upload = blob;
    template <class Archive>
    void serialize(Archive&) {}
};

asio::awaitable<blob> echo_in_coroutine(echo e) {
    co_return std::move(e.what);
}

TEST_CASE("answers beyond the queue's limit wake those that wait for room") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        service s;
        s.on(echo_in_coroutine);
        far.attach(s);
        echo e{make_blob(1, 40'000)};
        std::vector<background> calls;
        for (int i = 0; i != 40; ++i)
            calls.emplace_back(near.get_executor(), near.call(e));
        for (auto& call : calls) {
            const auto end = co_await call.result();
            CHECK(end.text == "");
        }
    });
}

generator<blob> blobs_for_ever() {
    const blob b = make_blob(1, 300'000);
    for (;;)
        co_yield b;
}

TEST_CASE("an upload stops with its pipe, also when credit comes with the end") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        service s;
        s.on([&far](pour, stream<blob> blobs) -> asio::awaitable<sum> {
            co_await blobs.next();
            co_await far.close();
            co_return sum{1};
        });
        far.attach(s);
        pour q;
        background call(near.get_executor(), near.call(q, blobs_for_ever()));
        const auto end = co_await call.result();
        CHECK(end.code == errc::closed);
    });
}

/// What both directions of a stream share.
struct conversation {
    std::optional<stream<number>> answers;
};

generator<number> one_number(stream<number>) {
    co_yield remora::item<number>(1);
}

service one_number_service() {
    service s;
    s.on([](double_each, stream<number> numbers) { return one_number(std::move(numbers)); });
    return s;
}

generator<number> keep_waiting(std::shared_ptr<conversation>) {
    asio::steady_timer never(co_await asio::this_coro::executor,
                             std::chrono::steady_clock::time_point::max());
    co_await never.async_wait(asio::use_awaitable);
    co_yield remora::item<number>(1);
}

TEST_CASE("an upload may hold the last reference to the stream that answers it") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        far.attach(one_number_service());
        auto both = std::make_shared<conversation>();
        const std::weak_ptr<conversation> left = both;
        double_each q;
        both->answers = co_await near.stream(q, keep_waiting(both));
        both.reset();
        while (!left.expired())
            co_await settle();
        CHECK(near.counts().calls == 0);
    });
}

generator<number> drop_answers(std::shared_ptr<conversation> both, bool goes_on) {
    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    both->answers.reset();
    if (goes_on) co_yield remora::item<number>(1);
}

TEST_CASE("an upload may drop the stream that answers it") {
    for (const bool goes_on : {false, true}) {
        over_every_transport([goes_on](pipe near, pipe far) -> asio::awaitable<void> {
            far.attach(one_number_service());
            auto both = std::make_shared<conversation>();
            double_each q;
            both->answers = co_await near.stream(q, drop_answers(both, goes_on));
            while (both.use_count() != 1 || near.counts().calls != 0)
                co_await settle();
            CHECK(!both->answers);
        });
    }
}

TEST_CASE("who awaits an item hears that the stream was dropped") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        service s;
        s.on([](count_up) { return keep_waiting(nullptr); });
        far.attach(s);
        auto numbers = co_await near.stream<count_up>(1);
        background waiting(near.get_executor(), numbers.next());
        co_await settle();
        numbers = {};
        const auto end = co_await waiting.result();
        CHECK(end.code == errc::closed);
        CHECK(end.has("count_up"));
    });
}

asio::awaitable<failure_kind> kind_of(asio::awaitable<sum> call) {
    try {
        co_await std::move(call);
    } catch (const remora::remote_error& e) {
        co_return e.kind();
    }
    co_return failure_kind{};
}

TEST_CASE("a caller's fault does not end the connection, even where exceptions do") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        service s({.end_on_exception = true});
        s.on(for_ever);
        s.on([](add q) { return sum{q.a + q.b}; });
        far.attach(s);
        const auto unknown = co_await kind_of(near.call<unheard_of>());
        CHECK(unknown == failure_kind::unknown_request);
        wait_for_ever q;
        const auto late = co_await kind_of(near.call(q, {.timeout = 2ms}));
        CHECK(late == failure_kind::timed_out);
        while (near.counts().calls != 0)
            co_await settle();
        const auto two = co_await near.call<add>(1, 1);
        CHECK(two.value == 2);
    });
}

TEST_CASE("an exception of any type ends the connection, and every call on it") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        service waits, throws({.end_on_exception = true});
        waits.on(for_ever);
        throws.on([](fail_with) -> sum { throw 42; });
        near.attach(waits);
        far.attach(throws);
        wait_for_ever q;
        background pending(far.get_executor(), far.call(q));
        co_await settle();
        const auto answer = co_await kind_of(near.call<fail_with>(0, ""));
        CHECK(answer == failure_kind::failed);
        const auto end = co_await pending.result();
        CHECK(end.code == errc::service_failed);
    });
}

// Takes its time to stop.
asio::awaitable<void> wait_and_tidy_up(bool& tidy) {
    const auto executor = co_await asio::this_coro::executor;
    asio::steady_timer never(executor, std::chrono::steady_clock::time_point::max());
    std::error_code ec;
    co_await never.async_wait(asio::redirect_error(asio::use_awaitable, ec));
    co_await asio::this_coro::reset_cancellation_state();
    for (int i = 0; i != 10; ++i)
        co_await asio::post(executor, asio::use_awaitable);
    tidy = true;
}

generator<number> number_and_wait(bool& tidy) {
    co_yield remora::item<number>(1);
    co_await wait_and_tidy_up(tidy);
}

TEST_CASE("a producer counts as served until what it awaited has ended") {
    for (const bool closes : {false, true}) {
        over_every_transport([closes](pipe near, pipe far) -> asio::awaitable<void> {
            bool tidy = false;
            service s;
            s.on([&tidy](count_up) { return number_and_wait(tidy); });
            background serving(far.get_executor(), far.serve(s));
            auto numbers = co_await near.stream<count_up>(1);
            co_await numbers.next();
            co_await settle();
            if (closes) {
                co_await near.close();
            } else {
                numbers = {};
            }
            while (far.counts().serving != 0)
                co_await asio::post(far.get_executor(), asio::use_awaitable);
            CHECK(tidy);
        });
    }
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

TEST_CASE("serve() does nothing before it is awaited") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        {
            const auto never = far.serve(service());
        }
        service s;
        s.on([](add q) { return sum{q.a + q.b}; });
        far.attach(s);
        const auto two = co_await near.call<add>(1, 1);
        CHECK(two.value == 2);
        background end(far.get_executor(), far.finished());
        co_await near.close();
        const auto why = co_await end.result();
        CHECK(why.text == "");
    });
}

}  // namespace
