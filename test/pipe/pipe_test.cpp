// SPDX-License-Identifier: MIT
// The conformance suite of pipes: what holds over every transport and every size of a kernel pipe.
#include "support/coroutine.hpp"
#include "support/messages.hpp"
#include "support/pairs.hpp"

#include <remora/pipe.hpp>

#include <numeric>

namespace {

using namespace test;
using remora::errc;
using remora::pipe;

TEST_CASE("a message arrives as it was sent") {
    over_every_transport([](pipe a, pipe b) -> asio::awaitable<void> {
        const text hello{"hello"};
        co_await a.send(hello);
        CHECK((co_await b.receive<text>()).value == "hello");
        co_await b.send<number>(7);
        CHECK((co_await a.receive<number>()).value == 7);
    });
}

TEST_CASE("a pair stands on memory of its process") {
    run([](asio::io_context& io) -> asio::awaitable<void> {
        auto [a, b] = remora::make_pipe_pair(io);
        CHECK(a.transport() == remora::transport_kind::in_process);
        CHECK(remora::to_string(b.transport()) == "in_process");
        co_return;
    });
}

TEST_CASE("messages arrive in the order of the calls to send") {
    over_every_transport([](pipe a, pipe b) -> asio::awaitable<void> {
        auto sender = [](pipe& p) -> asio::awaitable<void> {
            for (number n{0}; n.value < 5000; ++n.value)
                co_await p.send(n);
        };
        background sending(a.get_executor(), sender(a));
        for (std::int64_t i = 0; i < 5000; ++i) {
            const auto n = co_await b.receive<number>();
            REQUIRE(n.value == i);
        }
        CHECK(!(co_await sending.result()).code);
    });
}

TEST_CASE("messages of many coroutines never interleave") {
    over_every_transport([](pipe a, pipe b) -> asio::awaitable<void> {
        auto sender = [](pipe& p, std::uint64_t n) -> asio::awaitable<void> {
            const blob big = make_blob(n, 3000 + 1000 * n);
            for (int i = 0; i < 20; ++i)
                co_await p.send(big);
        };
        std::vector<background> senders;
        for (std::uint64_t n = 0; n < 10; ++n)
            senders.emplace_back(a.get_executor(), sender(a, n));
        for (int i = 0; i < 200; ++i) {
            const auto got = co_await b.receive<blob>();
            REQUIRE(got.bytes == make_blob(got.number, 3000 + 1000 * got.number).bytes);
        }
        for (auto& s : senders)
            CHECK(!(co_await s.result()).code);
    });
}

TEST_CASE("large messages pass in both directions at once") {
    over_every_transport([](pipe a, pipe b) -> asio::awaitable<void> {
        auto sender = [](pipe& p) -> asio::awaitable<void> {
            for (std::uint64_t n = 0; n < 4; ++n) {
                const blob big = make_blob(n, 3'000'000);
                co_await p.send(big);
            }
        };
        auto receiver = [](pipe& p) -> asio::awaitable<void> {
            for (std::uint64_t n = 0; n < 4; ++n) {
                const auto got = co_await p.receive<blob>();
                REQUIRE(got.bytes == make_blob(n, 3'000'000).bytes);
            }
        };
        background one(a.get_executor(), sender(a));
        background other(b.get_executor(), sender(b));
        background taking(a.get_executor(), receiver(a));
        co_await receiver(b);
        CHECK(!(co_await one.result()).code);
        CHECK(!(co_await other.result()).code);
        CHECK(!(co_await taking.result()).code);
    });
}

TEST_CASE("send_all sends a range, many to a write") {
    over_every_transport([](pipe a, pipe b) -> asio::awaitable<void> {
        std::vector<number> many(20000);
        for (std::size_t i = 0; i < many.size(); ++i)
            many[i].value = static_cast<int>(i);
        background sending(a.get_executor(), a.send_all(many));
        for (std::size_t i = 0; i < many.size(); ++i) {
            REQUIRE((co_await b.receive<number>()).value == static_cast<int>(i));
        }
        CHECK(!(co_await sending.result()).code);
    });
}

TEST_CASE("next gives nothing after a clean end, and receive fails with closed") {
    over_every_transport([](pipe a, pipe b) -> asio::awaitable<void> {
        co_await a.send<number>(1);
        co_await a.close();
        CHECK((co_await b.next<number>())->value == 1);
        CHECK(!co_await b.next<number>());
        CHECK(!co_await b.next<text>());
        CHECK((co_await failure_of(b.receive<number>())).code == code(errc::closed));
    });
}

TEST_CASE("close lets everything leave that was sent before") {
    over_every_transport([](pipe a, pipe b) -> asio::awaitable<void> {
        const blob big = make_blob(1, 2'000'000);
        background sending(a.get_executor(), a.send(big));
        co_await settle();
        background closing(a.get_executor(), a.close());
        CHECK((co_await b.receive<blob>()).bytes == big.bytes);
        CHECK(!co_await b.next<blob>());
        CHECK(!(co_await sending.result()).code);
        CHECK(!(co_await closing.result()).code);
        co_await a.close();  // may be called again
    });
}

TEST_CASE("a pipe that goes out of scope is closed, and what it sent arrives") {
    over_every_transport([](pipe a, pipe b) -> asio::awaitable<void> {
        {
            const pipe gone = std::move(a);
            auto& p = const_cast<pipe&>(gone);
            co_await p.send<number>(3);
        }
        CHECK((co_await b.next<number>())->value == 3);
        CHECK(!co_await b.next<number>());
    });
}

TEST_CASE("what waits on a pipe that is closed here fails with closed") {
    over_every_transport([](pipe a, pipe b) -> asio::awaitable<void> {
        background waiting(a.get_executor(), a.receive<number>());
        co_await settle();
        CHECK(!waiting.done());
        co_await a.close();
        CHECK((co_await waiting.result()).code == code(errc::closed));
        CHECK((co_await failure_of(a.send<number>(1))).code == code(errc::closed));
        CHECK(!co_await b.next<number>());
    });
}

TEST_CASE("a second receive fails with receive_in_progress, the first goes on") {
    over_every_transport([](pipe a, pipe b) -> asio::awaitable<void> {
        background first(a.get_executor(), a.receive<number>());
        co_await settle();
        CHECK((co_await failure_of(a.receive<number>())).code == code(errc::receive_in_progress));
        co_await b.send<number>(1);
        CHECK(!(co_await first.result()).code);
    });
}

TEST_CASE("a message of another type names both types and stays at the head") {
    over_every_transport([](pipe a, pipe b) -> asio::awaitable<void> {
        co_await a.send<number>(1);
        co_await a.send<number>(2);
        const auto why = co_await failure_of(b.receive<text>());
        CHECK(why.code == code(errc::type_mismatch));
        CHECK(why.has("text"));
        CHECK(why.has("\"number\""));
        CHECK((co_await b.receive<number>()).value == 1);
        CHECK((co_await failure_of(b.receive<text>())).has("\"number\""));
        CHECK(b.skip());
        CHECK(!b.skip());
    });
}

TEST_CASE("receive_any takes one of several types") {
    over_every_transport([](pipe a, pipe b) -> asio::awaitable<void> {
        co_await a.send<number>(1);
        co_await a.send<text>("two");
        CHECK(std::get<number>(co_await b.receive_any<text, number>()).value == 1);
        CHECK(std::get<text>(co_await b.receive_any<text, number>()).value == "two");
        co_await a.send<number>(3);
        const auto why = co_await failure_of(b.receive_any<text, blob>());
        CHECK(why.code == code(errc::type_mismatch));
        CHECK(why.has("text or blob"));
    });
}

TEST_CASE("receive into a value reuses its memory") {
    over_every_transport([](pipe a, pipe b) -> asio::awaitable<void> {
        text into;
        into.value.reserve(1000);
        const char* const memory = into.value.data();
        co_await a.send<text>(std::string(500, 'x'));
        co_await b.receive(into);
        CHECK(into.value == std::string(500, 'x'));
        CHECK(into.value.data() == memory);
    });
}

TEST_CASE("a value that cannot be decoded is told with pipe, type and offset, and stays") {
    over_every_transport([](pipe a, pipe b) -> asio::awaitable<void> {
        co_await a.send<old_shape>(1, 2);
        const auto why = co_await failure_of(b.receive<new_shape>());
        CHECK(why.code == code(errc::field_mismatch));
        CHECK(why.has("pipe \"pair\""));
        CHECK(why.has("shape"));
        CHECK(b.skip());
        co_await a.send<number>(5);
        CHECK((co_await b.receive<number>()).value == 5);
    });
}

TEST_CASE("a message over the limit fails at the sender, and the pipe stays usable") {
    over_every_transport([](pipe a, pipe b) -> asio::awaitable<void> {
        const blob big = make_blob(1, 17u << 20);
        const auto why = co_await failure_of(a.send(big));
        CHECK(why.code == code(errc::message_too_large));
        CHECK(why.has("16777216"));
        co_await a.send<number>(5);
        CHECK((co_await b.receive<number>()).value == 5);
    });
}

TEST_CASE("a value that cannot be encoded leaves the pipe usable") {
    over_every_transport([](pipe a, pipe b) -> asio::awaitable<void> {
        const refusing bad;
        bool thrown = false;
        try {
            co_await a.send(bad);
        } catch (const std::runtime_error&) {
            thrown = true;
        }
        CHECK(thrown);
        co_await a.send<number>(5);
        CHECK((co_await b.receive<number>()).value == 5);
    });
}

struct moody {
    bool refuses = true;
    template <class Archive>
    void serialize(Archive& ar) {
        if (refuses) throw std::runtime_error("not today");
        ar(refuses);
    }
};

TEST_CASE("a type whose first value could not be encoded is named by the next one") {
    over_every_transport([](pipe a, pipe b) -> asio::awaitable<void> {
        moody m;
        try {
            co_await a.send(m);
        } catch (const std::runtime_error&) {
            m.refuses = false;
        }
        co_await a.send(m);
        const auto mismatch = co_await failure_of(b.receive<number>());
        CHECK_MESSAGE(mismatch.has("moody"), mismatch.text);
    });
}

TEST_CASE("a pipe that another is assigned to closes") {
    over_every_transport([](pipe a, pipe b) -> asio::awaitable<void> {
        auto others = remora::make_pipe_pair(a.get_executor(), "other");
        a = std::move(others.first);
        const auto end = co_await b.next<number>();
        CHECK(!end);
        CHECK(a.name() == "other");
    });
}

}  // namespace
