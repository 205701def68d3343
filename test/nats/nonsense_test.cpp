// SPDX-License-Identifier: MIT
// Gateways and workers whose other end is a program of libnats that says what it should not.
#include "nats/cluster.hpp"
#include "nats/message.hpp"

#include <nats/nats.h>

#include <algorithm>
#include <numeric>

using namespace test;

namespace {

using remora::errc;
using remora::failure_kind;
using remora::nats::message;
using remora::nats::message_kind;

std::vector<std::byte> bytes_of(const message& what) {
    std::vector<std::byte> bytes;
    remora::nats::write(bytes, what);
    return bytes;
}

/// What a stranger has heard.
struct heard {
    std::vector<std::byte> bytes;
    std::string reply_to;

    message what() const { return remora::nats::read(bytes).value_or(message{}); }
};

/// Speaks NATS, and is neither gateway nor worker.
class stranger {
public:
    stranger(const nats_server& server, const std::string& subject, const char* group = nullptr) {
        REQUIRE(natsConnection_ConnectTo(&nats_, server.url().c_str()) == NATS_OK);
        REQUIRE((group == nullptr ? natsConnection_SubscribeSync(&heard_, nats_, subject.c_str())
                                  : natsConnection_QueueSubscribeSync(
                                        &heard_, nats_, subject.c_str(), group)) == NATS_OK);
        natsSubscription_SetPendingLimits(heard_, -1, -1);
        REQUIRE(natsConnection_Flush(nats_) == NATS_OK);
    }
    ~stranger() {
        natsSubscription_Destroy(heard_);
        natsConnection_Destroy(nats_);
    }
    stranger(const stranger&) = delete;
    stranger& operator=(const stranger&) = delete;

    void say(const std::string& subject, const std::vector<std::byte>& bytes,
             const std::string& reply_to = {}) {
        const int size = static_cast<int>(bytes.size());
        REQUIRE((reply_to.empty()
                     ? natsConnection_Publish(nats_, subject.c_str(), bytes.data(), size)
                     : natsConnection_PublishRequest(nats_, subject.c_str(), reply_to.c_str(),
                                                     bytes.data(), size)) == NATS_OK);
        REQUIRE(natsConnection_Flush(nats_) == NATS_OK);
    }
    /// Nothing if none has come after so long.
    asio::awaitable<std::optional<heard>> hear(std::chrono::milliseconds time = patience) {
        const auto end = std::chrono::steady_clock::now() + time;
        while (std::chrono::steady_clock::now() < end) {
            natsMsg* m = nullptr;
            if (natsSubscription_NextMsg(&m, heard_, 0) != NATS_OK) {
                co_await pause(1ms);
                continue;
            }
            const auto* const data = reinterpret_cast<const std::byte*>(natsMsg_GetData(m));
            const char* const reply = natsMsg_GetReply(m);
            heard found{{data, data + natsMsg_GetDataLength(m)}, reply == nullptr ? "" : reply};
            natsMsg_Destroy(m);
            co_return found;
        }
        co_return std::nullopt;
    }
    asio::awaitable<heard> hear(message_kind kind) {
        for (;;) {
            auto found = co_await hear();
            REQUIRE(found);
            if (found->what().kind == kind) co_return std::move(*found);
        }
    }

private:
    natsConnection* nats_ = nullptr;
    natsSubscription* heard_ = nullptr;
};

/// Where the answer to a request goes.
std::string answer_subject(const heard& request) {
    REQUIRE(request.reply_to.ends_with(".none"));
    return request.reply_to.substr(0, request.reply_to.size() - 5);
}

std::vector<std::byte> request_of(const auto& what) {
    const auto value = remora::any_value::of(what);
    return bytes_of({.kind = message_kind::request,
                     .number = ~0ull,
                     .name = value.type_name(),
                     .body = value.bytes()});
}

/// Answers one request of an app with these bytes.
asio::awaitable<outcome<sum>> lie(scene_of_nats& s, std::vector<std::byte> says) {
    stranger worker(s.server, "remora.test", "test");
    outcome<sum> failed;
    const auto ask = [&]() -> asio::awaitable<void> {
        failed = co_await outcome_of(s.app.call<add>(1, 1));
    };
    background call(s.executor, ask());
    const auto request = co_await worker.hear(message_kind::request);
    worker.say(answer_subject(request), says);
    co_await call.result();
    co_return failed;
}

TEST_CASE("a worker that answers nonsense fails that call alone, and is said to") {
    const std::vector<std::vector<std::byte>> lies = {
        {},
        {std::byte{4}},
        std::vector<std::byte>(100, std::byte{0xff}),
        bytes_of({.kind = message_kind::reply}),
        bytes_of({.kind = message_kind::introduction}),
        bytes_of({.kind = message_kind::beat}),
        bytes_of({.kind = message_kind::end}),
        bytes_of({.kind = message_kind::credit, .number = 1}),
        bytes_of({.kind = message_kind::credit, .number = ~0ull}),
        bytes_of({.kind = message_kind::failure, .number = ~0ull}),
    };
    with_nats([&](scene_of_nats& s) -> asio::awaitable<void> {
        for (const auto& says : lies) {
            const auto failed = co_await lie(s, says);
            CHECK(failed.kind == failure_kind::gone);
            CHECK(failed.code == code(errc::protocol_error));
            CHECK(s.app.is_open());
        }
        const auto gap = co_await lie(s, bytes_of({.kind = message_kind::done, .sequence = 7}));
        CHECK(gap.kind == failure_kind::gone);
        CHECK(gap.code == code(errc::broken_pipe));
        const auto empty = co_await lie(s, bytes_of({.kind = message_kind::reply, .name = "sum"}));
        CHECK(!empty.value);
        const auto worker = s.worker(worker_service());
        co_await reach_worker(s.app);
    });
}

TEST_CASE("credit for more than was sent fails a call, also beyond 2^63") {
    with_nats([](scene_of_nats& s) -> asio::awaitable<void> {
        for (const std::uint64_t credit : {1'000'000ull, 1ull << 63, ~0ull}) {
            stranger worker(s.server, "remora.test", "test");
            stranger inbox(s.server, "_INBOX.stranger.1");
            outcome<sum> failed;
            const auto upload = []() -> remora::generator<number> {
                for (;;)
                    co_yield remora::item<number>(1);
            };
            const auto ask = [&]() -> asio::awaitable<void> {
                const add_up q;
                failed = co_await outcome_of(s.app.call(q, upload()));
            };
            background call(s.executor, ask());
            const auto request = co_await worker.hear(message_kind::request);
            const auto to = answer_subject(request);
            worker.say(to, bytes_of({.kind = message_kind::introduction}), "_INBOX.stranger.1");
            co_await inbox.hear(message_kind::item);
            worker.say(to,
                       bytes_of({.kind = message_kind::credit, .sequence = 1, .number = credit}));
            co_await call.result();
            CHECK(failed.code == code(errc::protocol_error));
        }
    });
}

TEST_CASE("items on their way are counted as whole messages") {
    with_nats([](scene_of_nats& s) -> asio::awaitable<void> {
        const auto worker = s.worker(worker_service());
        stranger gateway(s.server, "_INBOX.stranger.1");
        gateway.say("remora.test", request_of(count_up{1'000'000}), "_INBOX.stranger.1.none");
        std::size_t sum = 0, last = 0;
        while (const auto found = co_await gateway.hear(1000ms)) {
            if (found->what().kind != message_kind::item) continue;
            last = found->bytes.size();
            sum += last;
        }
        CHECK(sum >= 256 << 10);
        CHECK(sum < (256 << 10) + last);
    });
}

TEST_CASE("what only a worker may say ends the call at the worker, and cancels its handler") {
    for (const auto kind : {message_kind::introduction, message_kind::done, message_kind::failure})
        with_nats([kind](scene_of_nats& s) -> asio::awaitable<void> {
            const auto running = std::make_shared<int>(0);
            const auto worker = s.worker(remora::service().on(counted_in(running)));
            stranger gateway(s.server, "_INBOX.stranger.1");
            gateway.say("remora.test", request_of(wait_for_ever{}), "_INBOX.stranger.1.none");
            const auto taken = co_await gateway.hear(message_kind::introduction);
            CHECK(*running == 1);
            gateway.say(taken.reply_to, bytes_of({.kind = kind}), "_INBOX.stranger.1");
            co_await gateway.hear(message_kind::cancel);
            while (*running != 0)
                co_await settle();
        });
}

TEST_CASE("replies go to inboxes only") {
    with_nats([](scene_of_nats& s) -> asio::awaitable<void> {
        int served = 0;
        const auto worker = s.worker(remora::service().on([&](add q) {
            ++served;
            return sum{q.a + q.b};
        }));
        stranger gateway(s.server, "elsewhere.>");
        for (const char* to : {"elsewhere.1.none", "_INBOX.stranger.1", "_INBOX.stranger.none",
                               "elsewhere._INBOX.1.none", "remora.test"})
            gateway.say("remora.test", request_of(add{1, 1}), to);
        co_await reach_worker(s.app);
        CHECK(served == 1);

        stranger worker_of_another(s.server, "remora.test", "another");
        const wait_for_ever q;
        outcome<sum> failed;
        const auto ask = [&]() -> asio::awaitable<void> {
            failed = co_await outcome_of(s.app.call(q));
        };
        background call(s.executor, ask());
        const auto request = co_await worker_of_another.hear(message_kind::request);
        worker_of_another.say(answer_subject(request),
                              bytes_of({.kind = message_kind::introduction}), "elsewhere.1");
        co_await call.result();
        CHECK(failed.code != std::error_code());
        CHECK(!co_await gateway.hear(100ms));
    });
}

TEST_CASE("gateways and workers may have inboxes with another prefix") {
    const auto body = [](scene_of_nats& s) -> asio::awaitable<void> {
        const auto worker = s.worker(worker_service());
        stranger all(s.server, "_INBOX.>");
        auto numbers = co_await s.app.stream<count_up>(10);
        while (co_await numbers.next()) {
        }
        CHECK(!co_await all.hear(50ms));
    };
    with_nats(body, {.inbox_prefix = "mine.here."});
    asio::io_context io;
    for (const char* prefix : {"", ".", "mine", "mine.*.", "mine.>.", "my own."}) {
        const auto refused = failure_of([&] {
            remora::nats::gateway(io.get_executor(),
                                  {.service = "a", .connection = {.inbox_prefix = prefix}});
        });
        CHECK(refused.code == code(errc::bad_option));
    }
}

}  // namespace
