// SPDX-License-Identifier: MIT
/// The requests that the tests of calls exchange, and a service that answers them.
#pragma once

#include "support/messages.hpp"

#include <remora/asio.hpp>
#include <remora/service.hpp>
#include <remora/stream.hpp>

#include <cereal/types/string.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>

namespace test {

struct sum {
    std::int64_t value = 0;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(value);
    }
};

/// Answered at once.
struct add {
    using reply = sum;
    std::int64_t a = 0, b = 0;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(a, b);
    }
};

/// Answered by a coroutine, after so many trips through the scheduler.
struct add_later {
    using reply = sum;
    std::int64_t a = 0, b = 0;
    std::uint32_t trips = 0;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(a, b, trips);
    }
};

/// Never answered: until it is cancelled.
struct wait_for_ever {
    using reply = sum;
    template <class Archive>
    void serialize(Archive&) {}
};

/// The handler of that.
inline asio::awaitable<sum> for_ever(wait_for_ever) {
    asio::steady_timer never(co_await asio::this_coro::executor,
                             std::chrono::steady_clock::time_point::max());
    co_await never.async_wait(asio::use_awaitable);
    co_return sum{};
}

/// Answered with an exception: 0 a std::runtime_error, 1 a system_error, 2 an int...
struct fail_with {
    using reply = sum;
    std::int32_t how = 0;
    std::string text;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(how, text);
    }
};

/// Answered with nothing.
struct remember {
    using reply = void;
    std::int64_t value = 0;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(value);
    }
};

/// Bytes there and back.
struct echo {
    using reply = blob;
    blob what;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(what);
    }
};

/// Answered with the numbers from 0 on, `count` of them, of which `fail_at` throws.
struct count_up {
    using reply = remora::stream<number>;
    std::int64_t count = 0;
    std::int64_t fail_at = -1;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(count, fail_at);
    }
};

/// Answered with so many blobs.
struct large_items {
    using reply = remora::stream<blob>;
    std::int32_t count = 0;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(count);
    }
};

/// Answered with each uploaded number, doubled.
struct double_each {
    using reply = remora::stream<number>;
    using upload = number;
    template <class Archive>
    void serialize(Archive&) {}
};

/// Answered with the sum of what is uploaded.
struct add_up {
    using reply = sum;
    using upload = number;
    std::int64_t most = 0;  ///< then the handler answers; 0: all
    template <class Archive>
    void serialize(Archive& ar) {
        ar(most);
    }
};

/// The handler of that.
inline asio::awaitable<sum> add_all(add_up q, remora::stream<number> numbers) {
    sum s;
    for (std::int64_t taken = 0; q.most == 0 || taken != q.most; ++taken) {
        const auto n = co_await numbers.next();
        if (!n) break;
        s.value += n->value;
    }
    co_return s;
}

/// Answered with what is left of the caller's time, in ns; or by asking the caller the same.
struct ask_time {
    using reply = number;
    bool pass_on = false;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(pass_on);
    }
};

/// The handler of that; -1: nobody waits for it.
inline asio::awaitable<number> tell_time(ask_time q) {
    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    auto call = co_await remora::this_call();
    if (call.is_cancelled()) co_return number{-1};
    if (!q.pass_on) co_return number{call.time_left().count()};
    const ask_time again;
    co_return co_await call.pipe().call(again);
}

/// The state of one connection: a sum, and whether a handler uses it.
class session {
public:
    explicit session(std::atomic<int>& living) : living_(living) { ++living_; }
    ~session() { --living_; }
    session(const session&) = delete;
    session& operator=(const session&) = delete;

    sum add_to(const add& q) { return {total_ += q.a + q.b}; }
    /// Until it is cancelled, and a few turns more.
    asio::awaitable<sum> wait(wait_for_ever) {
        ++living_;
        std::error_code ec;
        asio::steady_timer never(co_await asio::this_coro::executor,
                                 std::chrono::steady_clock::time_point::max());
        co_await never.async_wait(asio::redirect_error(asio::use_awaitable, ec));
        co_await asio::this_coro::throw_if_cancelled(false);
        for (int i = 0; i != 5; ++i)
            co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
        --living_;
        co_return sum{total_};
    }

    /// What serves a connection: it keeps the state.
    static remora::service serve(std::atomic<int>& living) {
        const auto mine = std::make_shared<session>(living);
        return remora::service()
            .on([mine](const add& q) { return mine->add_to(q); })
            .on([mine](wait_for_ever q) { return mine->wait(q); });
    }

private:
    std::atomic<int>& living_;
    std::int64_t total_ = 0;
};

/// A request that no service takes.
struct unheard_of {
    using reply = sum;
    template <class Archive>
    void serialize(Archive&) {}
};

}  // namespace test
