// SPDX-License-Identifier: MIT
// Calls and their answers.
#include "call/many_answers.hpp"
#include "call/outcome.hpp"
#include "support/pairs.hpp"

#include <remora/pipe.hpp>

using namespace test;

namespace {

using remora::errc;
using remora::failure_kind;
using remora::pipe;
using remora::service;

TEST_CASE("a call is answered") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        far.attach(many_answers());
        const auto direct = co_await near.call<add>(2, 3);
        CHECK(direct.value == 5);
        add_later q{4, 5, 3};
        const auto later = co_await near.call(q);
        CHECK(later.value == 9);
        CHECK(near.counts().calls == 0);
        CHECK(far.counts().running_handlers == 0);
    });
}

TEST_CASE("a struct among the members of a request or message is made within the call") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        far.attach(many_answers());
        const std::vector<std::uint8_t> bytes(1000, 7);
        const auto back = co_await near.call<echo>(remora::item<blob>(1u, bytes));
        CHECK(back.bytes == bytes);
        blob named{2, bytes};
        const auto again = co_await near.call<echo>({.timeout = 1h}, named);
        CHECK(again.bytes == bytes);
        CHECK(named.bytes == bytes);
    });
}

TEST_CASE("a request without a value to return is answered when it is done") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        std::vector<std::int64_t> seen;
        service s;
        s.on([&](remember r) { seen.push_back(r.value); });
        far.attach(s);
        co_await near.call<remember>(7);
        CHECK(seen == std::vector<std::int64_t>{7});
    });
}

TEST_CASE("messages of a mebibyte go there and back") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        far.attach(many_answers());
        echo e{make_blob(7, 1 << 20)};
        const auto back = co_await near.call(e);
        CHECK(back.bytes == e.what.bytes);
    });
}

asio::awaitable<void> add_many(pipe& near, int from, int to, int& done) {
    for (std::int64_t i = from; i != to; ++i) {
        add_later q{i, 1, static_cast<std::uint32_t>(i * 7 % 5)};
        const auto s = co_await near.call(q);
        CHECK(s.value == i + 1);
        ++done;
    }
}

TEST_CASE("calls in flight are answered in any order, each with its own answer") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        far.attach(many_answers());
        const auto executor = near.get_executor();
        int done = 0;
        std::vector<std::unique_ptr<background>> callers;
        for (int i = 0; i != 20; ++i)
            callers.push_back(std::make_unique<background>(
                executor, add_many(near, i * 100, i * 100 + 10, done)));
        for (auto& caller : callers) {
            const auto failure = co_await caller->result();
            CHECK(failure.text == "");
        }
        CHECK(done == 200);
        CHECK(near.counts().calls == 0);
    });
}

TEST_CASE("what a handler throws arrives with its text, code and kind") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        far.attach(many_answers());
        const auto plain = co_await outcome_of(near.call<fail_with>(0, "bad \x1b[31m luck"));
        CHECK(plain.kind == failure_kind::failed);
        CHECK(plain.code == errc::handler_failed);
        CHECK(plain.message == R"("bad \x1b[31m luck")");
        CHECK(plain.text.find("pipe \"pair\": fail_with") != std::string::npos);
        const auto system = co_await outcome_of(near.call<fail_with>(1, "disk"));
        CHECK(system.kind == failure_kind::failed);
        CHECK(system.code == std::errc::no_space_on_device);
        const auto busy = co_await outcome_of(near.call<fail_with>(2, "later"));
        CHECK(busy.kind == failure_kind::overloaded);
        const auto memory = co_await outcome_of(near.call<fail_with>(3, ""));
        CHECK(memory.kind == failure_kind::overloaded);
        const auto cancelled = co_await outcome_of(near.call<fail_with>(4, ""));
        CHECK(cancelled.kind == failure_kind::cancelled);
        const auto two = co_await outcome_of(near.call<fail_with>(5, "the first of two"));
        CHECK(two.message == "\"the first of two\"");
        const auto other = co_await outcome_of(near.call<fail_with>(6, ""));
        CHECK(other.kind == failure_kind::failed);
        const auto fine = co_await near.call<add>(1, 1);
        CHECK(fine.value == 2);
    });
}

TEST_CASE("a request that no handler takes is unknown, and the connection lives") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        far.attach(many_answers());
        const auto unknown = co_await outcome_of(near.call<unheard_of>());
        CHECK(unknown.kind == failure_kind::unknown_request);
        CHECK(unknown.code == errc::unknown_request);
        CHECK(unknown.text.find("unheard_of") != std::string::npos);
        const auto fine = co_await near.call<add>(1, 1);
        CHECK(fine.value == 2);
    });
}

TEST_CASE("both ends call and serve at once") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        const auto executor = near.get_executor();
        near.attach(many_answers());
        far.attach(many_answers());
        int done = 0;
        background one(executor, add_many(near, 0, 50, done));
        background other(executor, add_many(far, 100, 150, done));
        const auto first = co_await one.result();
        CHECK(first.text == "");
        const auto second = co_await other.result();
        CHECK(second.text == "");
        CHECK(done == 100);
    });
}

asio::awaitable<void> echo_many(pipe& near, int count, std::size_t size) {
    for (int i = 0; i != count; ++i) {
        echo e{make_blob(static_cast<std::uint64_t>(i), size)};
        const auto back = co_await near.call(e);
        CHECK(back.bytes == e.what.bytes);
    }
}

TEST_CASE("both ends that flood each other with large calls both finish") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        const auto executor = near.get_executor();
        near.attach(many_answers());
        far.attach(many_answers());
        std::vector<std::unique_ptr<background>> callers;
        for (int i = 0; i != 8; ++i) {
            for (auto* end : {&near, &far})
                callers.push_back(
                    std::make_unique<background>(executor, echo_many(*end, 3, 300'000)));
        }
        for (auto& caller : callers) {
            const auto failure = co_await caller->result();
            CHECK(failure.text == "");
        }
    });
}

/// Answered with so many bytes.
struct fetch_bytes {
    using reply = blob;
    std::uint32_t size = 0;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(size);
    }
};

TEST_CASE("a handler whose answer waits behind a full batch goes on when the batch has left") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        service s = many_answers();
        s.on([](fetch_bytes f) { return make_blob(1, f.size); });
        far.attach(s);
        background large(near.get_executor(), near.call<fetch_bytes>(300'000u));
        background small(near.get_executor(), near.call<add_later>(1, 2, 0u));
        CHECK(!(co_await large.result()).code);
        CHECK(!(co_await small.result()).code);
    });
}

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

TEST_CASE("a receive beside calls is in progress already, and a call beside a receive") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        far.attach(many_answers());
        const auto receive = co_await failure_of(far.receive<number>());
        CHECK(receive.code == errc::receive_in_progress);
        CHECK(receive.has("\"pair\": receive: "));
        background waiting(near.get_executor(), near.receive<number>());
        co_await settle();
        const auto call = co_await failure_of(near.call<add>(1, 1));
        CHECK(call.code == errc::receive_in_progress);
        waiting.cancel();
        co_await waiting.result();
    });
}

TEST_CASE("plain messages go to the service's handler; one without is dropped and counted") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        std::vector<std::int64_t> seen;
        service s = many_answers();
        s.on([&](number n) { seen.push_back(n.value); });
        far.attach(s);
        co_await near.send<number>(1);
        text t{"nobody wants me"};
        co_await near.send(t);
        co_await near.send<number>(2);
        co_await near.call<add>(1, 1);  // behind them
        CHECK(seen == std::vector<std::int64_t>{1, 2});
        CHECK(far.counts().dropped == 1);
    });
}

TEST_CASE("a request that is too large fails at the caller, and the pipe stays usable") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        far.attach(many_answers());
        echo e{make_blob(1, 17 << 20)};
        const auto failure = co_await failure_of(near.call(e));
        CHECK(failure.code == errc::message_too_large);
        const auto fine = co_await near.call<add>(1, 1);
        CHECK(fine.value == 2);
        CHECK(near.counts().calls == 0);
    });
}

struct echo_parts {
    using reply = remora::stream<blob>;
    blob what;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(what);
    }
};

TEST_CASE("a request for a stream that is too large leaves nothing behind either") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        remora::service_options only_one;
        only_one.max_in_flight = 1;
        service s(only_one);
        s.on([](add q) { return sum{q.a + q.b}; });
        s.on([](echo_parts) -> remora::generator<blob> { co_return; });
        far.attach(s);
        co_await near.call<add>(1, 1);  // by now its window is known here
        echo_parts e{make_blob(1, 17 << 20)};
        const auto failure = co_await failure_of(near.stream(e));
        CHECK(failure.code == errc::message_too_large);
        CHECK(near.counts().calls == 0);
        const auto fine = co_await near.call<add>(1, 1);
        CHECK(fine.value == 2);
    });
}

TEST_CASE("an answer that is too large is a failure of the call") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        service s;
        s.on([](add q) { return sum{q.a + q.b}; });
        s.on([](echo) { return make_blob(1, 17 << 20); });
        far.attach(s);
        echo e;
        const auto failure = co_await outcome_of(near.call(e));
        CHECK(failure.kind == failure_kind::failed);
        CHECK(failure.code == errc::message_too_large);
        const auto fine = co_await near.call<add>(1, 1);
        CHECK(fine.value == 2);
    });
}

}  // namespace
