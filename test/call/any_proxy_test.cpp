// SPDX-License-Identifier: MIT
// A proxy that passes on what it is asked, seen from both of its sides: streams, uploads, failures.
#include "call/counting.hpp"
#include "call/many_answers.hpp"
#include "call/outcome.hpp"
#include "call/proxied.hpp"
#include "call/scene.hpp"

#include <numeric>

using namespace test;

namespace {

using remora::errc;
using remora::failure_kind;
using remora::pipe;
using remora::service;

remora::generator<number> first_numbers(std::int64_t count) {
    for (std::int64_t i = 0; i != count; ++i)
        co_yield remora::item<number>(i);
}

TEST_CASE("through a proxy a stream has its items, its end, and what it fails with") {
    over_proxies([](proxied& p) -> asio::awaitable<void> {
        trace seen;
        p.serve(counter(seen, true));
        for (const std::int64_t count : {0, 1, 3000}) {
            auto numbers = co_await p.app.stream<count_up>(count);
            const auto taken = co_await take_all(std::move(numbers));
            CHECK(taken == count);
        }
        auto numbers = co_await p.app.stream<count_up>(5, 3);
        for (std::int64_t i = 0; i != 3; ++i) {
            const auto n = co_await numbers.next();
            REQUIRE(n);
            CHECK(n->value == i);
        }
        const auto failed = co_await outcome_of(numbers.next());
        CHECK(failed.kind == failure_kind::failed);
        CHECK(failed.message == "\"no more numbers\"");
        co_await p.settled();
        CHECK(seen.is_gone);
    });
}

TEST_CASE("through a proxy large items pass, in their order") {
    over_proxies([](proxied& p) -> asio::awaitable<void> {
        service s;
        s.on([](large_items q) -> remora::generator<blob> {
            for (std::int32_t i = 0; i != q.count; ++i) {
                const auto b = make_blob(static_cast<std::uint64_t>(i), 200'000);
                co_yield b;
            }
        });
        p.serve(s);
        auto blobs = co_await p.app.stream<large_items>(8);
        std::uint64_t next = 0;
        while (const auto b = co_await blobs.next()) {
            CHECK(b->bytes == make_blob(next, 200'000).bytes);
            ++next;
        }
        CHECK(next == 8);
        co_await p.settled();
    });
}

TEST_CASE("through a proxy an upload has its items and its end") {
    over_proxies([](proxied& p) -> asio::awaitable<void> {
        p.serve(uploads_taken());
        for (const std::int64_t count : {0, 1, 3000}) {
            const add_up q;
            const auto all = co_await p.app.call(q, first_numbers(count));
            CHECK(all.value == count * (count - 1) / 2);
        }
        co_await p.settled();
    });
}

TEST_CASE("through a proxy a handler may answer before its upload ends, which ends it") {
    over_proxies([](proxied& p) -> asio::awaitable<void> {
        p.serve(uploads_taken());
        for (const auto produce : {endless, stuck}) {
            scene s;
            co_await call_uploading(p.app, s, produce, add_up{produce == stuck ? 1 : 3}, {});
            check_ended(s);
            co_await p.settled();
        }
    });
}

TEST_CASE("through a proxy a stream and its upload run beside each other") {
    over_proxies([](proxied& p) -> asio::awaitable<void> {
        p.serve(uploads_taken());
        for (const std::int64_t count : {0, 1, 3000}) {
            const double_each q;
            auto doubled = co_await p.app.stream(q, first_numbers(count));
            std::int64_t next = 0;
            while (const auto n = co_await doubled.next()) {
                CHECK(n->value == 2 * next);
                ++next;
            }
            CHECK(next == count);
        }
        co_await p.settled();
    });
}

/// The items that were sent so far: they wait for the next one.
struct talk {
    number heard{-1};
    asio::steady_timer more;
};
remora::generator<number> answers_of(talk& t) {
    for (int i = 0; i != 3; ++i) {
        std::error_code ec;
        co_await t.more.async_wait(asio::redirect_error(asio::use_awaitable, ec));
        co_yield remora::item<number>(t.heard.value + 1);
    }
}
remora::generator<number> speaks_first(double_each, remora::stream<number> numbers) {
    co_yield remora::item<number>(0);
    while (const auto n = co_await numbers.next())
        co_yield remora::item<number>(n->value + 1);
}

TEST_CASE("through a proxy a stream may begin before its upload, which follows it") {
    over_proxies([](proxied& p) -> asio::awaitable<void> {
        p.serve(service().on(speaks_first));
        talk t{{}, asio::steady_timer(p.app.get_executor(), asio::steady_timer::time_point::max())};
        const double_each q;
        auto heard = co_await p.app.stream(q, answers_of(t));
        for (std::int64_t i = 0; i != 4; ++i) {
            const auto n = co_await heard.next();
            REQUIRE(n);
            CHECK(n->value == 2 * i);
            t.heard = *n;
            t.more.cancel();
            co_await settle();
        }
        const auto end = co_await heard.next();
        CHECK(!end);
        co_await p.settled();
    });
}

TEST_CASE("nothing is uploaded to a call that was passed on, and whose answer is dropped") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        auto [app, front] = remora::make_pipe_pair(io);
        auto [back, server] = remora::make_pipe_pair(io);
        server.attach(service().on(speaks_first));
        front.attach(service().on_any(
            [&to = back](remora::any_call call) -> asio::awaitable<remora::any_answer> {
                co_await to.pass_on(std::move(call));
                const wait_for_ever q;
                co_await for_ever(q);
                co_return remora::any_answer();
            }));
        talk t{{}, asio::steady_timer(io, asio::steady_timer::time_point::max())};
        const double_each q;
        auto heard = co_await app.stream(q, answers_of(t));
        while (back.counts().calls_made == 0 ||
               back.counts().calls + server.counts().running_handlers != 0)
            co_await settle();
        t.more.cancel();
        while (front.counts().received.items == 0)
            co_await settle();
        for (int i = 0; i != 10; ++i)
            co_await settle();
        CHECK(back.counts().sent.items == 0);
        heard = {};
        while (app.counts().calls + front.counts().running_handlers != 0)
            co_await settle();
    });
}

/// That a call comes out the same with a proxy as without.
template <class Request>
asio::awaitable<void> check_same(proxied& p, pipe& direct, const Request& q) {
    const auto one = co_await outcome_of(p.app.call(q));
    const auto other = co_await outcome_of(direct.call(q));
    CHECK(one.kind == other.kind);
    CHECK(one.code == other.code);
    CHECK(one.text == other.text);
    CHECK(one.message == other.message);
    CHECK(one.value.has_value() == other.value.has_value());
}

/// A request of which the service has an older form; the field has changed its kind.
struct reshape {
    using reply = number;
    std::string field;
};
struct reshape_before {
    using reply = number;
    std::int32_t field = 0;
};
/// A request whose reply has another type at the other end.
struct ask_other {
    using reply = number;
    bool unused = false;
};
struct ask_other_there {
    using reply = text;
    bool unused = false;
};

}  // namespace

template <>
inline constexpr std::string_view remora::type_name<reshape_before> = "reshape";
template <>
inline constexpr std::string_view remora::type_name<ask_other_there> = "ask_other";

namespace {

service failing_service() {
    return many_answers().on([](reshape_before) { return number{}; }).on([](ask_other_there) {
        return text{"other"};
    });
}

TEST_CASE("through a proxy failures arrive as without one") {
    over_proxies([](proxied& p) -> asio::awaitable<void> {
        p.serve(failing_service());
        auto [near, far] =
            remora::make_pipe_pair(static_cast<asio::io_context&>(p.app.get_executor().context()));
        far.attach(failing_service());
        const std::string text = "a \"text\"\x1b[2J: \xff";
        for (std::int32_t how = 0; how != 7; ++how) {
            const fail_with q{how, how == 1 ? "/a/path" : text};
            co_await check_same(p, near, q);
        }
        const fail_with long_text{0, std::string(3000, 'x')};
        co_await check_same(p, near, long_text);
        const unheard_of unknown;
        co_await check_same(p, near, unknown);
        const reshape mismatched{"words"};
        co_await check_same(p, near, mismatched);
        const ask_other other;
        co_await check_same(p, near, other);
        co_await p.settled();
    });
}

TEST_CASE("through a proxy messages pass in their order, before and behind calls") {
    over_proxies([](proxied& p) -> asio::awaitable<void> {
        std::vector<std::int64_t> seen;
        service s = many_answers();
        s.on([&seen](number n) { seen.push_back(n.value); });
        p.serve(s);
        for (std::int64_t i = 0; i != 5000; ++i)
            co_await p.app.send<number>(i);
        const auto fine = co_await p.app.call<add>(1, 1);
        CHECK(fine.value == 2);
        std::vector<std::int64_t> all(5000);
        std::iota(all.begin(), all.end(), 0);
        CHECK(seen == all);
        co_await p.app.send<text>("nobody takes it");
        while (p.server.counts().dropped == 0)
            co_await settle();
        co_await p.settled();
    });
}

TEST_CASE("two proxies behind each other change a failure no more than one") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        auto [app, front] = remora::make_pipe_pair(io);
        auto [middle, other] = remora::make_pipe_pair(io);
        auto [back, server] = remora::make_pipe_pair(io);
        server.attach(many_answers());
        other.attach(passing_to(back));
        front.attach(passing_to(middle));
        const fail_with q{1, "/a/path"};
        const auto failed = co_await outcome_of(app.call(q));
        CHECK(failed.kind == failure_kind::failed);
        CHECK(failed.code == std::errc::no_space_on_device);
        CHECK(failed.message == "\"/a/path\"");
    });
}

TEST_CASE("a failure that is passed on does not end the connection, one of the proxy's own may") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        auto [app, front] = remora::make_pipe_pair(io);
        auto [back, server] = remora::make_pipe_pair(io);
        server.attach(many_answers());
        service s({.end_on_exception = true});
        s.on_any([&to = back](remora::any_call call) -> asio::awaitable<remora::any_answer> {
            if (call.request().is<unheard_of>()) throw std::runtime_error("not that");
            co_return co_await to.pass_on(std::move(call));
        });
        front.attach(s);
        const fail_with q{0, "text"};
        const auto failed = co_await outcome_of(app.call(q));
        CHECK(failed.kind == failure_kind::failed);
        const auto fine = co_await app.call<add>(1, 1);
        CHECK(fine.value == 2);
        const auto refused = co_await outcome_of(app.call<unheard_of>());
        CHECK(refused.message == "\"not that\"");
        const auto gone = co_await outcome_of(app.call<add>(1, 1));
        CHECK(gone.kind == failure_kind::gone);
    });
}

}  // namespace
