// SPDX-License-Identifier: MIT
// Streams that go with a request, to its handler.
#include "call/counting.hpp"
#include "support/pairs.hpp"

#include <remora/pipe.hpp>

using namespace test;

namespace {

using remora::errc;
using remora::generator;
using remora::pipe;
using remora::service;
using remora::stream;

TEST_CASE("an upload reaches its handler, and its answer the caller") {
    for (const bool in_turns : {false, true}) {
        over_every_transport([in_turns](pipe near, pipe far) -> asio::awaitable<void> {
            trace seen, mine;
            far.attach(counter(seen, false));
            add_up q;
            const auto all = co_await near.call(q, counting({20'000, -1}, mine, in_turns));
            CHECK(all.value == 20'000ll * 19'999 / 2);
            CHECK(mine.is_gone);
            CHECK(near.counts().calls == 0);
        });
    }
}

TEST_CASE("an upload stops when its handler has answered") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        trace seen, mine;
        far.attach(counter(seen, false));
        add_up q{3};
        const auto three = co_await near.call(q, counting({1'000'000'000, -1}, mine, false));
        CHECK(three.value == 3);
        while (!mine.is_gone)
            co_await settle();
        const auto two = co_await near.call<add>(1, 1);
        CHECK(two.value == 2);
    });
}

TEST_CASE("an upload that outlives its handler fails") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        trace mine;
        std::optional<stream<number>> kept;
        service s;
        s.on([&kept](add_up, stream<number> numbers) -> asio::awaitable<sum> {
            kept.emplace(std::move(numbers));
            co_return sum{1};
        });
        far.attach(s);
        add_up q;
        const auto one = co_await near.call(q, counting({1'000'000'000, -1}, mine, false));
        CHECK(one.value == 1);
        const auto failure = co_await failure_of(take_all(std::move(*kept)));
        CHECK(failure.code == errc::closed);
        CHECK(failure.has("add_up"));
        while (!mine.is_gone)
            co_await settle();
    });
}

TEST_CASE("an upload whose producer throws fails the call, and cancels the handler") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        trace seen, mine;
        far.attach(counter(seen, false));
        add_up q;
        std::string what;
        try {
            co_await near.call(q, counting({10, 5}, mine, false));
        } catch (const std::runtime_error& e) {
            what = e.what();
        }
        CHECK(what == "no more numbers");
        while (far.counts().running_handlers != 0 || near.counts().calls != 0)
            co_await settle();
        const auto two = co_await near.call<add>(1, 1);
        CHECK(two.value == 2);
    });
}

generator<number> doubled(stream<number> numbers) {
    while (const auto n = co_await numbers.next())
        co_yield remora::item<number>(n->value * 2);
}

TEST_CASE("a stream that answers an upload goes both ways at once") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        trace mine;
        service s;
        s.on([](double_each, stream<number> numbers) { return doubled(std::move(numbers)); });
        far.attach(s);
        double_each q;
        auto twice = co_await near.stream(q, counting({20'000, -1}, mine, false));
        std::int64_t next = 0;
        while (const auto n = co_await twice.next()) {
            CHECK(n->value == next * 2);
            ++next;
        }
        CHECK(next == 20'000);
        CHECK(mine.is_gone);
    });
}

TEST_CASE("a cancelled call with an upload stops both sides") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        trace seen, mine;
        far.attach(counter(seen, false));
        add_up q;
        background call(near.get_executor(),
                        near.call(q, counting({1'000'000'000, -1}, mine, true)));
        while (far.counts().running_handlers == 0)
            co_await settle();
        call.cancel();
        const auto failure = co_await call.result();
        CHECK(failure.code == asio::error::operation_aborted);
        while (far.counts().running_handlers != 0 || !mine.is_gone)
            co_await settle();
    });
}

}  // namespace
