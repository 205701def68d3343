// SPDX-License-Identifier: MIT
// How handlers are called: what they take, and for how long it lives.
#include "call/outcome.hpp"
#include "support/calls.hpp"
#include "support/pairs.hpp"

#include <remora/pipe.hpp>

using namespace test;

namespace {

using remora::errc;
using remora::generator;
using remora::pipe;
using remora::service;
using remora::stream;

/// Answered with its own text.
struct recite {
    using reply = text;
    std::string what;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(what);
    }
};

/// Answered with a stream of its own text, twice.
struct recite_twice {
    using reply = stream<text>;
    std::string what;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(what);
    }
};

/// Answered with its own text, once the numbers have come.
struct recite_after {
    using reply = text;
    using upload = number;
    std::string what;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(what);
    }
};

asio::awaitable<void> trip() {
    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
}

asio::awaitable<text> of_constant(const recite& q) {
    co_await trip();
    co_return text{q.what};
}
asio::awaitable<text> of_rvalue(recite&& q) {
    co_await trip();
    co_return text{std::move(q.what)};
}
generator<text> twice_of_constant(const recite_twice& q) {
    for (int i = 0; i != 2; ++i) {
        co_await trip();
        co_yield remora::item<text>(q.what);
    }
}
asio::awaitable<text> after_numbers(const recite_after& q, stream<number> numbers) {
    while (const auto n = co_await numbers.next()) {
    }
    co_return text{q.what};
}
generator<number> one_number() {
    co_await trip();
    co_yield remora::item<number>(1);
}

// Longer than what a string keeps within itself.
const std::string long_text = "nothing of this text may be gone before its handler is";

TEST_CASE("a coroutine that takes its request as a reference has it to its end") {
    service constant, rvalue;
    constant.on(of_constant);
    rvalue.on(of_rvalue);
    for (const auto& served : {constant, rvalue}) {
        over_every_transport([served](pipe near, pipe far) -> asio::awaitable<void> {
            far.attach(served);
            const auto answer = co_await near.call<recite>(long_text);
            CHECK(answer.value == long_text);
        });
    }
}

TEST_CASE("a generator that takes its request as a constant has it to its end") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        far.attach(service().on(twice_of_constant));
        auto texts = co_await near.stream<recite_twice>(long_text);
        int count = 0;
        while (const auto t = co_await texts.next()) {
            CHECK(t->value == long_text);
            ++count;
        }
        CHECK(count == 2);
    });
}

TEST_CASE("a handler with an upload that takes its request as a constant has it to its end") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        far.attach(service().on(after_numbers));
        const recite_after question{long_text};
        const auto answer = co_await near.call(question, one_number());
        CHECK(answer.value == long_text);
    });
}

namespace one {
struct get {
    using reply = number;
    template <class Archive>
    void serialize(Archive&) {}
};
}  // namespace one
namespace other {
struct get : one::get {};
}  // namespace other

TEST_CASE("a second handler for a type of the same name is refused") {
    service s;
    s.on([](one::get) { return number{1}; });
    const auto again = failure_of([&] { s.on([](one::get) { return number{2}; }); });
    CHECK(again.code == code(errc::bad_option));
    CHECK(again.has("\"get\""));
    const auto namesake = failure_of([&] { s.on([](other::get) { return number{2}; }); });
    CHECK(namesake.code == code(errc::bad_option));
    CHECK(namesake.has("type_name"));
}

/// With member functions for handlers.
struct desk {
    std::string name;
    text label(const recite& q) const noexcept { return {name + q.what}; }
    asio::awaitable<text> gather(recite_after q, stream<number> numbers) {
        while (const auto n = co_await numbers.next())
            name += std::to_string(n->value);
        co_return text{name + q.what};
    }
};

TEST_CASE("member functions serve with their object") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        desk d{"desk"};
        far.attach(service().on(&desk::label, d).on(&desk::gather, d));
        const auto label = co_await near.call<recite>(":");
        CHECK(label.value == "desk:");
        const recite_after question{"!"};
        const auto both = co_await near.call(question, one_number());
        CHECK(both.value == "desk1!");
    });
}

/// A class cannot have a member named as itself.
struct upload {
    using reply = number;
    using items = number;
    template <class Archive>
    void serialize(Archive&) {}
};
static_assert(remora::uploading_request<upload>);
/// A plain message, whatever it is named.
struct reply {
    std::int64_t value = 0;
};
static_assert(!remora::request<reply>);

TEST_CASE("a request named upload says what comes with it by items") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        far.attach(service().on([](upload, stream<number> numbers) -> asio::awaitable<number> {
            number last;
            while (const auto n = co_await numbers.next())
                last = *n;
            co_return last;
        }));
        const upload question;
        const auto last = co_await near.call(question, one_number());
        CHECK(last.value == 1);
    });
}

struct first : remember {};
struct second : remember {};
struct third : remember {};
struct fourth : remember {};
struct fifth : remember {};
struct sixth : remember {};
struct seventh : remember {};
template <class... Requests>
void take(service& s) {
    (s.on([](Requests) {}), ...);
}

TEST_CASE("a request that is unknown is told with those that the service takes") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        service s;
        s.on([](number) {}).on([](remember) {}).on([](add) { return sum{}; });
        take<first, second, third, fourth, fifth, sixth, seventh>(s);
        far.attach(s);
        const auto unknown = co_await outcome_of(near.call<unheard_of>());
        CHECK(unknown.message ==
              R"("no handler takes \"unheard_of\", this service takes add, fifth, first, fourth, )"
              R"(remember, second, seventh, sixth and 1 more")");
    });
}

TEST_CASE("a service that takes messages alone says so of an unknown request") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        far.attach(service().on([](number) {}));
        const auto unknown = co_await outcome_of(near.call<unheard_of>());
        CHECK(unknown.message ==
              R"("no handler takes \"unheard_of\", this service takes no requests")");
    });
}

TEST_CASE("what a failed call says has the text of its code once") {
    over_every_transport([](pipe near, pipe far) -> asio::awaitable<void> {
        far.attach(service().on(
            [](fail_with q) -> sum { throw remora::error(static_cast<errc>(q.how), q.text); }));
        const auto unknown = co_await failure_of(near.call<unheard_of>());
        CHECK(
            unknown.text ==
            "pipe \"pair\": unheard_of: \"no handler takes \\\"unheard_of\\\", this service takes "
            "fail_with\": unknown request");
        const auto busy = co_await failure_of(near.call<fail_with>(25, "three wait"));
        CHECK(busy.text == "pipe \"pair\": fail_with: \"three wait\": overloaded, try again later");
    });
}

}  // namespace
