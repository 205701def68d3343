// SPDX-License-Identifier: MIT
// Calls as bytes: handlers that take any request, and a proxy that nobody notices.
#include "call/many_answers.hpp"
#include "call/outcome.hpp"
#include "call/proxied.hpp"

#include <numeric>

using namespace test;

namespace {

using remora::any_answer;
using remora::any_call;
using remora::any_value;
using remora::errc;
using remora::failure_kind;
using remora::pipe;
using remora::service;

/// Answers what it knows, by hand.
asio::awaitable<any_answer> by_hand(any_call call) {
    if (call.request().is<add>()) {
        const auto q = call.request().as<add>();
        co_return any_value::of(sum{q.a + q.b});
    }
    if (call.request().is<remember>()) co_return any_answer();
    throw remora::error(errc::unknown_request, std::string(call.request().type_name()));
}

TEST_CASE("a handler of any request sees its type and its bytes, and answers with bytes") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        far.attach(service().on_any(by_hand));
        const auto seven = co_await near.call<add>(3, 4);
        CHECK(seven.value == 7);
        co_await near.call<remember>(1);
        const auto unknown = co_await outcome_of(near.call<add_later>(1, 2));
        CHECK(unknown.kind == failure_kind::unknown_request);
        CHECK(unknown.message == "\"add_later\"");
        CHECK(far.counts().running_handlers == 0);
    });
}

TEST_CASE("a call in bytes is answered by a typed handler") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        far.attach(many_answers().on([](remember) {}));
        const auto question = any_value::of(add{3, 4});
        CHECK(question.type_name() == "add");
        for (int i = 0; i != 2; ++i) {
            auto answer = co_await near.call_bytes(question);
            REQUIRE(answer.value() != nullptr);
            CHECK(answer.value()->type_name() == "sum");
            CHECK(answer.value()->as<sum>().value == 7);
        }
        const auto done = co_await near.call_bytes(any_value::of(remember{1}));
        CHECK(done.is_done());
    });
}

TEST_CASE("typed handlers win over that of any request") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        service s;
        s.on_any([](any_call) -> asio::awaitable<any_answer> { co_return any_value::of(sum{-1}); });
        s.on([](add q) { return sum{q.a + q.b}; });
        s.on([](number) {});
        far.attach(s);
        const auto seven = co_await near.call<add>(3, 4);
        CHECK(seven.value == 7);
        const auto other = co_await near.call<add_later>(3, 4);
        CHECK(other.value == -1);
    });
}

TEST_CASE("a service has one handler of any request") {
    service s;
    s.on_any(by_hand);
    CHECK(failure_of([&] { s.on_any(by_hand); }).code == code(errc::bad_option));
}

TEST_CASE("a value in bytes is not read as another type") {
    const auto value = any_value::of(sum{3});
    CHECK(value.is<sum>());
    CHECK(!value.is<add>());
    CHECK(failure_of([&] { value.as<add>(); }).code == code(errc::type_mismatch));
    CHECK(failure_of([&] { any_value("", {}); }).code == code(errc::bad_option));
    CHECK(failure_of([&] { any_value(std::string(256, 'x'), {}); }).code == code(errc::bad_option));
}

TEST_CASE("a handler of any request gets messages, too, and what it answers is dropped") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        std::vector<std::int64_t> seen;
        service s;
        s.on_any([&seen](any_call call) -> asio::awaitable<any_answer> {
            CHECK(call.is_message() == call.request().is<number>());
            if (call.is_message()) seen.push_back(call.request().as<number>().value);
            co_return any_value::of(sum{1});
        });
        far.attach(s);
        for (std::int64_t i = 0; i != 100; ++i)
            co_await near.send<number>(i);
        const auto one = co_await near.call<add>(1, 2);
        CHECK(one.value == 1);
        std::vector<std::int64_t> all(100);
        std::iota(all.begin(), all.end(), 0);
        CHECK(seen == all);
        CHECK(far.counts().dropped == 0);
    });
}

TEST_CASE("a value in bytes is sent as a message, and is one of its type") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        const auto value = any_value::of(number{5});
        co_await near.send(value);
        CHECK(near.try_send(value));
        for (int i = 0; i != 2; ++i)
            CHECK((co_await far.receive<number>()).value == 5);
    });
}

TEST_CASE("an any_value that was moved from has no value") {
    auto from = any_value::of(add{3, 4});
    auto into = any_value::of(remember{1});
    into = std::move(from);
    CHECK(into.as<add>().b == 4);
    CHECK(!from.has_value());  // NOLINT: after the move
    auto& same = into;
    into = std::move(same);
    CHECK(into.as<add>().b == 4);
    const any_value other(std::move(into));
    CHECK(!into.has_value());  // NOLINT: after the move
    CHECK(other.type_name() == "add");
}

TEST_CASE("an any_value without a value cannot be sent") {
    over([](asio::io_context& io) { return remora::make_pipe_pair(io); },
         [](pipe near, pipe far) -> asio::awaitable<void> {
             const any_value none;
             CHECK((co_await failure_of(near.send(none))).code == code(errc::bad_option));
             CHECK((co_await failure_of(near.call_bytes(none))).code == code(errc::bad_option));
             far.attach(many_answers());
             const auto fine = co_await near.call<add>(1, 1);
             CHECK(fine.value == 2);
         });
}

TEST_CASE("through a proxy calls are answered as without one") {
    over_proxies([](proxied& p) -> asio::awaitable<void> {
        p.serve(many_answers().on([](remember) {}));
        const auto seven = co_await p.app.call<add>(3, 4);
        CHECK(seven.value == 7);
        const auto later = co_await p.app.call<add_later>(3, 4, 5u);
        CHECK(later.value == 7);
        co_await p.app.call<remember>(1);
        echo large;
        large.what.bytes.assign(300'000, 7);
        const auto back = co_await p.app.call(large);
        CHECK(back.bytes == large.what.bytes);
        co_await p.settled();
    });
}

}  // namespace
