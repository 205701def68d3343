// SPDX-License-Identifier: MIT
// A pipe with calls against a peer that writes its frames by hand.
#include "support/calls.hpp"
#include "support/pairs.hpp"
#include "support/wire_bytes.hpp"

#include "call/call_failure.hpp"
#include "wire/close_reason.hpp"

#include <remora/pipe.hpp>

using namespace test;

namespace {

using remora::errc;
using remora::failure_kind;
using remora::pipe;
using remora::service;
using remora::stream;
using remora::detail::stream_window;

/// The other end of a pipe, by hand.
class bare_peer {
public:
    explicit bare_peer(remora::detail::fifo_ends ends) : ends_(std::move(ends)) {}

    void write(const std::string& bytes) { write_bytes(ends_, std::as_bytes(std::span(bytes))); }
    void write_request(std::uint64_t id, const auto& value) {
        using type = std::remove_cvref_t<decltype(value)>;
        write(frame_of(frame_kind::request, id, frame_header::of_sender,
                       remora::type_tag_of<type>(), payload_of(value)));
    }
    void write_reply(std::uint64_t id, std::int64_t value) {
        write(
            frame_of(frame_kind::reply, id, 0, remora::type_tag_of<sum>(), payload_of(sum{value})));
    }
    void write_item(std::uint64_t id, std::int64_t value, std::uint8_t flags = 0) {
        write(frame_of(frame_kind::item, id, flags, remora::type_tag_of<number>(),
                       payload_of(number{value})));
    }
    void write_number(frame_kind kind, std::uint64_t id, std::uint64_t value,
                      std::uint8_t flags = 0) {
        write(frame_of(kind, id, flags, 0, payload_of(value)));
    }
    void write_empty(frame_kind kind, std::uint64_t id, std::uint8_t flags = 0) {
        write(frame_of(kind, id, flags));
    }
    void allow_calls(std::uint64_t count) { write_number(frame_kind::window, 0, count); }

    static std::string frame_of(frame_kind kind, std::uint64_t id, std::uint8_t flags = 0,
                                std::uint64_t tag = 0, const std::string& payload = {}) {
        return frame_bytes({.kind = kind, .flags = flags, .id = id, .tag = tag}, payload);
    }

    /// A frame that has come, with its value.
    struct received {
        frame_header header;
        std::string payload;
        template <class T>
        T as() const {
            return remora::decode<T>(std::as_bytes(std::span(payload)));
        }
    };
    /// The next frame of this kind; others are passed over.
    asio::awaitable<received> next(frame_kind kind) {
        for (;;) {
            std::size_t wanted = 0;
            while (const auto f = remora::detail::parse_frame(in_, 16u << 20, wanted)) {
                received r{f->header, std::string(reinterpret_cast<const char*>(f->payload.data()),
                                                  f->payload.size())};
                in_.erase(in_.begin(), in_.begin() + static_cast<std::ptrdiff_t>(f->size()));
                if (r.header.kind == kind) co_return r;
            }
            const auto more = read_bytes(ends_);
            in_.insert(in_.end(), more.begin(), more.end());
            if (more.empty()) co_await settle();
        }
    }
    /// The number of the next call that the pipe makes.
    asio::awaitable<std::uint64_t> next_call() {
        const auto f = co_await next(frame_kind::request);
        co_return f.header.id;
    }
    /// The answer to a request of this peer: its value.
    asio::awaitable<std::int64_t> next_sum() {
        const auto f = co_await next(frame_kind::reply);
        co_return f.as<sum>().value;
    }
    /// Why the pipe has closed.
    asio::awaitable<remora::wire::close_reason> next_close() {
        const auto f = co_await next(frame_kind::close);
        co_return f.payload.empty() ? remora::wire::close_reason()
                                    : f.as<remora::wire::close_reason>();
    }

private:
    remora::detail::fifo_ends ends_;
    std::vector<std::byte> in_;
};

using hostile_body = std::function<asio::awaitable<void>(pipe&, bare_peer&)>;

void against_bare_peer(const hostile_body& body) {
    test::run([&](asio::io_context& io) -> asio::awaitable<void> {
        auto [end, bare] = bare_pair(io);
        bare_peer peer(std::move(bare));
        co_await body(end, peer);
    });
}

template <class T>
struct outcome {
    std::optional<T> value;
    std::optional<failure_kind> kind;
    std::error_code code;
    std::string text;
    std::string message;
};

template <class T>
asio::awaitable<outcome<T>> outcome_of(asio::awaitable<T> operation) {
    outcome<T> result;
    try {
        result.value.emplace(co_await std::move(operation));
    } catch (const remora::remote_error& e) {
        result = {{}, e.kind(), e.code(), e.what(), e.message()};
    } catch (const std::system_error& e) {
        result = {{}, {}, e.code(), e.what(), {}};
    }
    co_return result;
}

/// A call that runs on its own; finish() has its outcome.
class calling {
public:
    template <class Request>
    calling(pipe& p, Request question)
        : work_(p.get_executor(), run(p, std::move(question), result_)) {}

    asio::awaitable<outcome<sum>> finish() {
        co_await work_.result();
        co_return *result_;
    }
    void cancel() { work_.cancel(); }

private:
    using result_ptr = std::shared_ptr<outcome<sum>>;
    template <class Request>
    static asio::awaitable<void> run(pipe& p, Request question, result_ptr result) {
        *result = co_await outcome_of(p.call(question));
        if (result->code == asio::error::operation_aborted) throw std::system_error(result->code);
    }

    result_ptr result_ = std::make_shared<outcome<sum>>();
    background work_;
};

service adder() {
    service s;
    s.on([](add q) { return sum{q.a + q.b}; });
    s.on(for_ever);
    return s;
}

/// That a call of `p` is answered, and nothing is left of it.
asio::awaitable<void> check_calling(pipe& p, bare_peer& peer) {
    calling call(p, add{1, 1});
    const auto id = co_await peer.next_call();
    peer.write_reply(id, 2);
    const auto answer = co_await call.finish();
    REQUIRE(answer.value);
    CHECK(answer.value->value == 2);
    CHECK(p.counts().calls == 0);
}

/// That a call of the peer is answered, and nothing is left of it.
asio::awaitable<void> check_serving(pipe& p, bare_peer& peer, std::uint64_t id) {
    peer.write_request(id, add{20, 22});
    const auto answer = co_await peer.next_sum();
    CHECK(answer == 42);
    CHECK(p.counts().serving == 0);
}

/// That the peer was told why the pipe has closed, and nothing is left in its tables.
asio::awaitable<void> check_closed(pipe& p, bare_peer& peer, errc why, std::string text) {
    const auto reason = co_await peer.next_close();
    CHECK(reason.to_code() == why);
    CAPTURE(reason.text);
    CHECK(reason.text.find(text) != std::string::npos);
    co_await settle();
    CHECK(p.counts().calls == 0);
    CHECK(p.counts().serving == 0);
    const auto late = co_await outcome_of(p.call<add>(1, 1));
    CHECK(late.kind == failure_kind::gone);
}

// Answers.

TEST_CASE("an answer to a call that was never made is dropped and counted") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        calling call(p, add{1, 1});
        const auto id = co_await peer.next_call();
        peer.write_reply(0, 7);
        peer.write_reply(id + 1, 7);
        peer.write_empty(frame_kind::end, 99);
        peer.write(bare_peer::frame_of(frame_kind::failure, 100));
        peer.write_item(101, 7);
        peer.write_reply(id, 2);
        const auto answer = co_await call.finish();
        REQUIRE(answer.value);
        CHECK(answer.value->value == 2);
        CHECK(p.counts().dropped == 5);
        co_await check_calling(p, peer);
    });
}

TEST_CASE("a second answer to a call ends the conversation, and the peer is told") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        co_await check_calling(p, peer);
        peer.write_reply(1, 3);
        co_await check_closed(p, peer, errc::protocol_error, "a second answer to call 1");
    });
}

TEST_CASE("a pending call fails with what another answer did to the conversation") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        co_await check_calling(p, peer);
        calling pending(p, add{1, 1});
        co_await peer.next_call();
        peer.write_reply(1, 3);
        const auto answer = co_await pending.finish();
        CHECK(answer.kind == failure_kind::gone);
        CHECK(answer.code == errc::protocol_error);
        co_await check_closed(p, peer, errc::protocol_error, "a second answer");
    });
}

TEST_CASE("an answer after a cancel is dropped, and is not a second one") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        calling call(p, add{1, 1});
        const auto id = co_await peer.next_call();
        call.cancel();
        const auto cancelled = co_await call.finish();
        CHECK(cancelled.code == asio::error::operation_aborted);
        const auto told = co_await peer.next(frame_kind::cancel);
        CHECK(told.header.id == id);
        CHECK(told.header.flags == frame_header::of_sender);
        CHECK(p.counts().calls == 1);
        peer.write_reply(id, 2);
        co_await check_calling(p, peer);
        CHECK(p.counts().dropped == 0);
        peer.write_reply(id, 2);
        co_await check_closed(p, peer, errc::protocol_error, "a second answer");
    });
}

TEST_CASE("a reply of another type fails its call only") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        calling call(p, add{1, 1});
        const auto id = co_await peer.next_call();
        peer.write(bare_peer::frame_of(frame_kind::reply, id, 0, 12345, payload_of(number{1})));
        const auto answer = co_await call.finish();
        CHECK(answer.code == errc::type_mismatch);
        co_await check_calling(p, peer);
    });
}

TEST_CASE("a reply that does not decode fails its call only") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        calling call(p, add{1, 1});
        const auto id = co_await peer.next_call();
        peer.write(bare_peer::frame_of(frame_kind::reply, id, 0, remora::type_tag_of<sum>()));
        const auto answer = co_await call.finish();
        CHECK(answer.code == errc::truncated);
        co_await check_calling(p, peer);
    });
}

TEST_CASE("the end of a stream as the answer to a plain call ends the conversation") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        calling call(p, add{1, 1});
        const auto id = co_await peer.next_call();
        peer.write_empty(frame_kind::end, id);
        const auto answer = co_await call.finish();
        CHECK(answer.kind == failure_kind::gone);
        CHECK(answer.code == errc::protocol_error);
        co_await check_closed(p, peer, errc::protocol_error, "a stream");
    });
}

TEST_CASE("an item as the answer to a plain call ends the conversation") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        calling call(p, add{1, 1});
        const auto id = co_await peer.next_call();
        peer.write_item(id, 1);
        const auto answer = co_await call.finish();
        CHECK(answer.kind == failure_kind::gone);
        CHECK(answer.code == errc::protocol_error);
        co_await check_closed(p, peer, errc::protocol_error, "a stream");
    });
}

TEST_CASE("a value as the answer to a request without one ends the conversation") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        background call(p.get_executor(), p.call<remember>(1));
        const auto id = co_await peer.next_call();
        peer.write_reply(id, 1);
        const auto failure = co_await call.result();
        CHECK(failure.code == errc::protocol_error);
        co_await check_closed(p, peer, errc::protocol_error, "a value");
    });
}

// Failures.

struct odd_failure {
    std::uint8_t kind, category;
    std::int32_t code;
    std::string text;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(kind, category, code, text);
    }
};

/// How a call fails that is answered so; the pipe lives.
asio::awaitable<outcome<sum>> failed_with(pipe& p, bare_peer& peer, std::uint8_t kind,
                                          std::uint8_t category, std::int32_t code,
                                          std::string text) {
    const odd_failure what{kind, category, code, std::move(text)};
    calling call(p, add{1, 1});
    const auto id = co_await peer.next_call();
    peer.write(bare_peer::frame_of(frame_kind::failure, id, 0, 0, payload_of(what)));
    const auto answer = co_await call.finish();
    co_await check_calling(p, peer);
    co_return answer;
}

TEST_CASE("a failure of an unknown kind, category or code is a failure all the same") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        for (const std::uint8_t kind : {0, 4, 6, 7, 255}) {
            const auto failed = co_await failed_with(p, peer, kind, 0, 0, "odd");
            CHECK(failed.kind == failure_kind::failed);
            CHECK(failed.code == errc::handler_failed);
            CHECK(failed.message == R"("odd")");
        }
        const auto category = co_await failed_with(p, peer, 1, 200, 5, "");
        CHECK(category.code == errc::handler_failed);
        CHECK(category.message == "");
        for (const std::int32_t code : {-1, 10'000, std::numeric_limits<std::int32_t>::min()}) {
            const auto unknown = co_await failed_with(p, peer, 2, 1, code, "");
            CHECK(unknown.kind == failure_kind::overloaded);
            CHECK(unknown.code == errc::overloaded);
        }
    });
}

TEST_CASE("a failure never has the code of success") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        const std::pair<std::uint8_t, errc> codes[] = {{1, errc::handler_failed},
                                                       {2, errc::overloaded},
                                                       {3, errc::unknown_request},
                                                       {5, errc::cancelled}};
        for (const auto& [kind, code] : codes) {
            for (const std::uint8_t category : {0, 1, 2, 3, 9}) {
                const auto failed = co_await failed_with(p, peer, kind, category, 0, "");
                CHECK(failed.kind == static_cast<failure_kind>(kind));
                CHECK(failed.code == code);
            }
        }
    });
}

TEST_CASE("the codes of the system's categories arrive as they are") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        const auto generic = co_await failed_with(p, peer, 1, 2, 28, "");
        CHECK(generic.code == std::error_code(28, std::generic_category()));
        const auto system = co_await failed_with(p, peer, 1, 3, -7, "");
        CHECK(system.code == std::error_code(-7, std::system_category()));
        const auto remora = co_await failed_with(p, peer, 1, 1, 16, "");
        CHECK(remora.code == errc::bad_value);
    });
}

TEST_CASE("the text of a failure is cut, quoted and escaped") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        const auto huge = co_await failed_with(p, peer, 1, 0, 0, std::string(40'000, 'x'));
        CHECK(huge.message == '"' + std::string(1024, 'x') + "...\"");
        const auto odd =
            co_await failed_with(p, peer, 1, 0, 0, std::string("\x1b[2J\"\\\n\x9b\0z", 10));
        CHECK(odd.message == R"("\x1b[2J\"\\\n\x9b\x00z")");
        CHECK(odd.text.find(odd.message) != std::string::npos);
        CHECK(odd.text.find('\x1b') == std::string::npos);
    });
}

TEST_CASE("a failure that does not decode ends the conversation, and fails the call") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        calling call(p, add{1, 1});
        const auto id = co_await peer.next_call();
        peer.write(bare_peer::frame_of(frame_kind::failure, id));
        const auto answer = co_await call.finish();
        CHECK(answer.kind == failure_kind::gone);
        CHECK(answer.code == errc::truncated);
        co_await check_closed(p, peer, errc::truncated, "");
    });
}

// Requests.

TEST_CASE("the number of a call may not be used again, nor a smaller one") {
    for (const std::uint64_t again : {5, 4, 0}) {
        CAPTURE(again);
        against_bare_peer([again](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
            p.attach(adder());
            co_await check_serving(p, peer, 5);
            peer.write_request(again, add{1, 1});
            co_await check_closed(p, peer, errc::protocol_error, "the number of a call");
        });
    }
}

TEST_CASE("more unanswered calls than the window end the conversation and every handler") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        service s({.max_in_flight = 2});
        s.on(for_ever);
        p.attach(s);
        const auto window = co_await peer.next(frame_kind::window);
        CHECK(window.as<std::uint64_t>() == 2);
        peer.write_request(1, wait_for_ever{});
        peer.write_request(2, wait_for_ever{});
        while (p.counts().serving != 2)
            co_await settle();
        peer.write_request(3, wait_for_ever{});
        co_await check_closed(p, peer, errc::protocol_error, "more unanswered calls");
    });
}

TEST_CASE("a request that does not decode is answered with the code, and the connection lives") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        p.attach(adder());
        peer.write(bare_peer::frame_of(frame_kind::request, 1, frame_header::of_sender,
                                       remora::type_tag_of<add>()));
        const auto f = co_await peer.next(frame_kind::failure);
        CHECK(f.header.id == 1);
        CHECK(f.header.flags == frame_header::named);
        const auto why = f.as<odd_failure>();
        CHECK(why.kind == 1);
        CHECK(why.category == 1);
        CHECK(why.code == static_cast<int>(errc::truncated));
        co_await check_serving(p, peer, 2);
    });
}

TEST_CASE("a request as a plain message, and a message as a request, have no handler") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        service s = adder();
        s.on([](number) { FAIL("called"); });
        p.attach(s);
        peer.write(frame_with(frame_kind::message, 0, add{1, 1}, remora::type_tag_of<add>()));
        peer.write_request(1, number{1});
        const auto f = co_await peer.next(frame_kind::failure);
        CHECK(f.as<odd_failure>().kind == static_cast<int>(failure_kind::unknown_request));
        co_await check_serving(p, peer, 2);
        CHECK(p.counts().dropped == 1);
    });
}

TEST_CASE("a message that does not decode is gone, and the connection lives") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        service s = adder();
        s.on([](number) { FAIL("called"); });
        p.attach(s);
        peer.write(bare_peer::frame_of(frame_kind::message, 0, 0, remora::type_tag_of<number>()));
        co_await check_serving(p, peer, 1);
    });
}

TEST_CASE("frames of calls have no place on a pipe without any") {
    for (int kind = 32; kind != 39; ++kind) {
        CAPTURE(kind);
        against_bare_peer([kind](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
            peer.write_number(static_cast<frame_kind>(kind), 1, 1, frame_header::of_sender);
            const auto failure = co_await failure_of(p.receive<number>());
            CHECK(failure.code == errc::protocol_error);
            CHECK(failure.has("no service is attached"));
            const auto reason = co_await peer.next_close();
            CHECK(reason.to_code() == errc::protocol_error);
        });
    }
}

TEST_CASE("a window on a pipe without calls is passed over, and counts later") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        peer.allow_calls(3);
        peer.write(frame_with(frame_kind::message, 0, number{4}, remora::type_tag_of<number>()));
        const auto n = co_await p.receive<number>();
        CHECK(n.value == 4);
        calling one(p, add{1, 1}), two(p, add{1, 1}), three(p, add{1, 1}), four(p, add{1, 1});
        co_await settle();
        CHECK(p.counts().calls == 3);
        for (std::uint64_t id = 1; id <= 4; ++id) {
            const auto next = co_await peer.next_call();
            CHECK(next == id);
            peer.write_reply(id, 2);
        }
        co_await four.finish();
        CHECK(p.counts().calls == 0);
    });
}

TEST_CASE("a window of no calls holds them back until there is a larger one") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        calling first(p, add{1, 1});
        co_await peer.next_call();
        peer.allow_calls(0);
        calling second(p, add{1, 1});
        peer.write_reply(1, 2);
        co_await first.finish();
        co_await settle();
        CHECK(p.counts().calls == 0);
        peer.allow_calls(~std::uint64_t{0});
        const auto id = co_await peer.next_call();
        peer.write_reply(id, 2);
        co_await second.finish();
        co_await check_calling(p, peer);
    });
}

TEST_CASE("a window that is no number ends the conversation") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        calling call(p, add{1, 1});
        co_await peer.next_call();
        peer.write(bare_peer::frame_of(frame_kind::window, 0));
        const auto answer = co_await call.finish();
        CHECK(answer.kind == failure_kind::gone);
        CHECK(answer.code == errc::truncated);
        co_await check_closed(p, peer, errc::truncated, "");
    });
}

// Streams.

/// A stream of the pipe, and the number of its call.
asio::awaitable<std::pair<stream<number>, std::uint64_t>> open_stream(pipe& p, bare_peer& peer) {
    auto numbers = co_await p.stream<count_up>(100);
    const auto id = co_await peer.next_call();
    co_return std::pair(std::move(numbers), id);
}

std::string blob_item(std::uint64_t id, std::size_t size, std::uint8_t flags = 0) {
    return bare_peer::frame_of(frame_kind::item, id, flags, remora::type_tag_of<number>(),
                               std::string(size, 'x'));
}

TEST_CASE("items beyond the credit end the conversation") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        auto [numbers, id] = co_await open_stream(p, peer);
        constexpr std::size_t piece = 16 << 10;
        for (int i = 0; i != stream_window / static_cast<int>(piece); ++i) {
            peer.write(blob_item(id, piece - frame_header::size));
            co_await settle();
        }
        CHECK(p.counts().calls == 1);
        CHECK(p.is_open());
        peer.write_item(id, 1);
        co_await check_closed(p, peer, errc::protocol_error, "more than its credit");
    });
}

TEST_CASE("an item after the end of a stream ends the conversation") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        auto [numbers, id] = co_await open_stream(p, peer);
        peer.write_item(id, 7);
        peer.write_empty(frame_kind::end, id);
        peer.write_item(id, 8);
        co_await check_closed(p, peer, errc::protocol_error, "an item after the answer");
        const auto item = co_await numbers.next();
        REQUIRE(item);
        CHECK(item->value == 7);
        const auto none = co_await numbers.next();
        CHECK(!none);
    });
}

TEST_CASE("a reply to a call for a stream ends the conversation, and the stream fails") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        auto [numbers, id] = co_await open_stream(p, peer);
        peer.write_item(id, 7);
        peer.write_reply(id, 8);
        co_await check_closed(p, peer, errc::protocol_error, "a reply to a call that is answered");
        const auto item = co_await numbers.next();
        CHECK(item);
        const auto failed = co_await outcome_of(numbers.next());
        CHECK(failed.kind == failure_kind::gone);
        CHECK(failed.code == errc::protocol_error);
    });
}

TEST_CASE("items of another type fail their stream only, however many there are") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        auto [numbers, id] = co_await open_stream(p, peer);
        peer.write_item(id, 7);
        const auto item =
            bare_peer::frame_of(frame_kind::item, id, 0, 12345, payload_of(number{1}));
        peer.write(item + item + item);
        const auto first = co_await numbers.next();
        CHECK(first);
        const auto failed = co_await outcome_of(numbers.next());
        CHECK(failed.code == errc::type_mismatch);
        peer.write(item);
        peer.write_empty(frame_kind::end, id);
        co_await check_calling(p, peer);
    });
}

TEST_CASE("an item that does not decode is gone, and the stream goes on") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        auto [numbers, id] = co_await open_stream(p, peer);
        peer.write(bare_peer::frame_of(frame_kind::item, id, 0, remora::type_tag_of<number>()));
        peer.write_item(id, 7);
        const auto failed = co_await outcome_of(numbers.next());
        CHECK(failed.code == errc::truncated);
        const auto item = co_await numbers.next();
        REQUIRE(item);
        CHECK(item->value == 7);
        peer.write_empty(frame_kind::end, id);
        co_await check_calling(p, peer);
    });
}

TEST_CASE("items of a stream that was dropped are dropped, until its end") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        std::uint64_t id = 0;
        {
            auto [numbers, number] = co_await open_stream(p, peer);
            id = number;
        }
        co_await peer.next(frame_kind::cancel);
        for (int i = 0; i != 10; ++i)
            peer.write_item(id, i);
        peer.write_empty(frame_kind::end, id);
        co_await check_calling(p, peer);
        CHECK(p.counts().dropped == 0);
    });
}

remora::generator<number> numbers_up_to(std::int64_t count) {
    for (std::int64_t i = 0; i != count; ++i)
        co_yield remora::item<number>(i);
}

TEST_CASE("credit beyond what a stream has used ends the conversation and the stream") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        service s;
        s.on([](count_up q) { return numbers_up_to(q.count); });
        p.attach(s);
        peer.write_request(1, count_up{1'000'000'000});
        const auto item = co_await peer.next(frame_kind::item);
        CHECK(item.header.id == 1);
        peer.write_number(frame_kind::credit, 1, 1u << 30, frame_header::of_sender);
        co_await check_closed(p, peer, errc::protocol_error, "more credit");
    });
}

TEST_CASE("credit that is no number ends the conversation and the stream") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        service s;
        s.on([](count_up q) { return numbers_up_to(q.count); });
        p.attach(s);
        peer.write_request(1, count_up{1'000'000'000});
        co_await peer.next(frame_kind::item);
        peer.write(bare_peer::frame_of(frame_kind::credit, 1, frame_header::of_sender));
        co_await check_closed(p, peer, errc::truncated, "");
    });
}

TEST_CASE("credit, cancels and items of calls that are not there are passed over") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        p.attach(adder());
        co_await check_serving(p, peer, 1);
        for (const std::uint64_t id : {0, 1, 77}) {
            for (const std::uint8_t flags : {std::uint8_t{0}, frame_header::of_sender})
                peer.write_number(frame_kind::credit, id, 1, flags);
            peer.write_empty(frame_kind::cancel, id, frame_header::of_sender);
            peer.write_item(id, 1, frame_header::of_sender);
            peer.write_empty(frame_kind::end, id, frame_header::of_sender);
        }
        co_await check_serving(p, peer, 2);
        CHECK(p.counts().dropped == 0);
    });
}

TEST_CASE("items and credit for a handler that takes none are passed over") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        p.attach(adder());
        peer.write_request(1, wait_for_ever{});
        peer.write_item(1, 1, frame_header::of_sender);
        peer.write_number(frame_kind::credit, 1, 1000, frame_header::of_sender);
        peer.write_empty(frame_kind::end, 1, frame_header::of_sender);
        peer.write_empty(frame_kind::cancel, 1, frame_header::of_sender);
        const auto answer = co_await peer.next(frame_kind::failure);
        CHECK(answer.as<odd_failure>().kind == static_cast<int>(failure_kind::cancelled));
        co_await check_serving(p, peer, 2);
    });
}

/// A service whose uploads are added up, or not looked at.
service uploads() {
    service s = adder();
    s.on([](add_up, stream<number> numbers) -> asio::awaitable<sum> {
        sum s;
        while (const auto n = co_await numbers.next())
            s.value += n->value;
        co_return s;
    });
    s.on([](double_each, stream<number>) -> remora::generator<number> {
        asio::steady_timer timer(co_await asio::this_coro::executor,
                                 std::chrono::steady_clock::time_point::max());
        co_await timer.async_wait(asio::use_awaitable);
    });
    return s;
}

TEST_CASE("an item after the end of an upload ends the conversation") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        p.attach(uploads());
        peer.write_request(1, double_each{});
        peer.write_item(1, 1, frame_header::of_sender);
        peer.write_empty(frame_kind::end, 1, frame_header::of_sender);
        peer.write_item(1, 2, frame_header::of_sender);
        co_await check_closed(p, peer, errc::protocol_error, "an item after the end");
    });
}

TEST_CASE("an upload beyond its credit ends the conversation and the handler") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        p.attach(uploads());
        peer.write_request(1, double_each{});
        constexpr std::size_t piece = 16 << 10;
        for (int i = 0; i != stream_window / static_cast<int>(piece); ++i) {
            peer.write(blob_item(1, piece - frame_header::size, frame_header::of_sender));
            co_await settle();
        }
        CHECK(p.counts().serving == 1);
        peer.write_item(1, 2, frame_header::of_sender);
        co_await check_closed(p, peer, errc::protocol_error, "more than its credit");
    });
}

TEST_CASE("an upload of another type fails its handler only, however many items there are") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        p.attach(uploads());
        peer.write_request(1, add_up{});
        const auto item = bare_peer::frame_of(frame_kind::item, 1, frame_header::of_sender, 12345,
                                              payload_of(number{1}));
        peer.write(item + item + item);
        peer.write_empty(frame_kind::end, 1, frame_header::of_sender);
        const auto f = co_await peer.next(frame_kind::failure);
        CHECK(f.as<odd_failure>().code == static_cast<int>(errc::type_mismatch));
        co_await check_serving(p, peer, 2);
    });
}

TEST_CASE("an upload that is not taken is cut off at its handler's answer") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        background call(p.get_executor(), p.call(add_up{}, numbers_up_to(1'000'000'000)));
        const auto id = co_await peer.next_call();
        const auto item = co_await peer.next(frame_kind::item);
        CHECK(item.header.id == id);
        CHECK(item.header.flags == (frame_header::of_sender | frame_header::named));
        peer.write_reply(id, 5);
        const auto failure = co_await call.result();
        CHECK(failure.text == "");
        co_await check_calling(p, peer);
    });
}

remora::generator<number> fail_later() {
    const auto executor = co_await asio::this_coro::executor;
    for (int i = 0; i != 100; ++i)
        co_await asio::post(executor, asio::use_awaitable);
    throw std::system_error(std::make_error_code(std::errc::no_space_on_device));
}

TEST_CASE("a stream whose upload has failed fails before its peer answers") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        const double_each q;
        auto numbers = co_await p.stream(q, fail_later());
        const auto id = co_await peer.next_call();
        const auto failed = co_await outcome_of(numbers.next());
        CHECK(failed.code == std::errc::no_space_on_device);
        peer.write_empty(frame_kind::end, id);
        co_await check_calling(p, peer);
    });
}

// Answers that nobody reads.

TEST_CASE("a peer that calls and reads no answer is cut off at the window") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        int called = 0;
        service s({.max_in_flight = 8});
        s.on([&](echo) {
            ++called;
            return make_blob(1, 2'000'000);
        });
        p.attach(s);
        for (std::uint64_t id = 1; p.is_open(); ++id) {
            REQUIRE(id < 100);
            peer.write_request(id, echo{});
            co_await settle();
        }
        CHECK(called == 8);
        const auto reason = co_await peer.next_close();
        CHECK(reason.to_code() == errc::protocol_error);
        CHECK(reason.text.find("more unanswered calls") != std::string::npos);
    });
}

TEST_CASE("a peer that reads its answers late may go on calling") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        service s({.max_in_flight = 1});
        s.on([](echo e) { return make_blob(e.what.number, 2'000'000); });
        p.attach(s);
        for (std::uint64_t id = 1; id != 6; ++id) {
            peer.write_request(id, echo{{id, {}}});
            const auto answer = co_await peer.next(frame_kind::reply);
            CHECK(answer.header.id == id);
            CHECK(answer.as<blob>().number == id);
        }
        CHECK(p.is_open());
    });
}

TEST_CASE("an answer behind a message that was taken back has left when its bytes have") {
    against_bare_peer([](pipe& p, bare_peer& peer) -> asio::awaitable<void> {
        service s({.max_in_flight = 1});
        s.on([](add q) { return sum{q.a + q.b}; });
        p.attach(s);
        const blob large = make_blob(1, 1'200'000);  // a part of it stays
        background first(p.get_executor(), p.send(large));
        background second(p.get_executor(), p.send<number>(7));
        co_await settle();
        peer.write_request(1, add{20, 22});
        co_await settle();
        second.cancel();
        const auto answer = co_await peer.next_sum();
        CHECK(answer == 42);
        co_await check_serving(p, peer, 2);
    });
}

}  // namespace
