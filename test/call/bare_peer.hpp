// SPDX-License-Identifier: MIT
/// A peer that writes its frames by hand, against a pipe with calls.
#pragma once

#include "call/outcome.hpp"
#include "support/calls.hpp"
#include "support/pairs.hpp"
#include "support/wire_bytes.hpp"

#include "call/call_failure.hpp"
#include "wire/close_reason.hpp"

#include <remora/pipe.hpp>

namespace test {

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

/// An item of so many bytes, which are no number.
inline std::string blob_item(std::uint64_t id, std::size_t size, std::uint8_t flags = 0) {
    return bare_peer::frame_of(frame_kind::item, id, flags, remora::type_tag_of<number>(),
                               std::string(size, 'x'));
}

/// A failure as it is on the wire, also one that no pipe sends.
struct odd_failure {
    std::uint8_t kind, category;
    std::int32_t code;
    std::string text;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(kind, category, code, text);
    }
};

using hostile_body = std::function<asio::awaitable<void>(remora::pipe&, bare_peer&)>;

inline void against_bare_peer(const hostile_body& body) {
    test::run([&](asio::io_context& io) -> asio::awaitable<void> {
        auto [end, bare] = bare_pair(io);
        bare_peer peer(std::move(bare));
        co_await body(end, peer);
    });
}

/// A call that runs on its own; finish() has its outcome.
class calling {
public:
    template <class Request>
    calling(remora::pipe& p, Request question)
        : work_(p.get_executor(), run(p, std::move(question), result_)) {}

    asio::awaitable<outcome<sum>> finish() {
        co_await work_.result();
        co_return *result_;
    }
    void cancel() { work_.cancel(); }

private:
    using result_ptr = std::shared_ptr<outcome<sum>>;
    template <class Request>
    static asio::awaitable<void> run(remora::pipe& p, Request question, result_ptr result) {
        *result = co_await outcome_of(p.call(question));
        if (result->code == asio::error::operation_aborted) throw std::system_error(result->code);
    }

    result_ptr result_ = std::make_shared<outcome<sum>>();
    background work_;
};

inline remora::service adder() {
    remora::service s;
    s.on([](add q) { return sum{q.a + q.b}; });
    s.on(for_ever);
    return s;
}

/// That a call of `p` is answered, and nothing is left of it.
inline asio::awaitable<void> check_calling(remora::pipe& p, bare_peer& peer) {
    calling call(p, add{1, 1});
    const auto id = co_await peer.next_call();
    peer.write_reply(id, 2);
    const auto answer = co_await call.finish();
    REQUIRE(answer.value);
    CHECK(answer.value->value == 2);
    CHECK(p.counts().calls == 0);
}

/// That a call of the peer is answered, and nothing is left of it.
inline asio::awaitable<void> check_serving(remora::pipe& p, bare_peer& peer, std::uint64_t id) {
    peer.write_request(id, add{20, 22});
    const auto answer = co_await peer.next_sum();
    CHECK(answer == 42);
    CHECK(p.counts().running_handlers == 0);
}

/// That the peer was told why the pipe has closed, and nothing is left in its tables.
inline asio::awaitable<void> check_closed(remora::pipe& p, bare_peer& peer, remora::errc why,
                                          std::string text) {
    const auto reason = co_await peer.next_close();
    CHECK(reason.to_code() == why);
    CAPTURE(reason.text);
    CHECK(reason.text.find(text) != std::string::npos);
    co_await settle();
    CHECK(p.counts().calls == 0);
    CHECK(p.counts().running_handlers == 0);
    const auto late = co_await outcome_of(p.call<add>(1, 1));
    CHECK(late.kind == remora::failure_kind::gone);
}

inline remora::generator<number> numbers_up_to(std::int64_t count) {
    for (std::int64_t i = 0; i != count; ++i)
        co_yield remora::item<number>(i);
}

}  // namespace test
