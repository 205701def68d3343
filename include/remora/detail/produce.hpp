// SPDX-License-Identifier: MIT
/// How a generator's items leave. Not for users.
#pragma once

#include <remora/detail/stream_ends.hpp>
#include <remora/generator.hpp>

#include <algorithm>
#include <chrono>

namespace remora::detail {

/// How long items are kept together before they leave, and how many. Those that come slowly leave
/// one by one, so that none waits for the next.
class item_batch {
public:
    /// After each item: true if it is time to let them leave.
    bool is_full() {
        const bool late = clock::now() >= until_;
        if (++items_ < most_ && !late) return false;
        most_ = late ? std::max(items_ / 2, 1u) : std::min(2 * most_, largest);
        return true;
    }
    void begin() {
        items_ = 0;
        until_ = clock::now() + std::chrono::microseconds(20);
    }

private:
    using clock = std::chrono::steady_clock;
    static constexpr unsigned largest = 64;

    unsigned items_ = 0, most_ = 1;
    clock::time_point until_;
};

// g++ 12 takes the frame of a coroutine for a class that others may see, and warns where a user's
// type in it is of an unnamed namespace.
#pragma GCC diagnostic push
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wsubobject-linkage"
#endif

/// Sends the items of a stream, as there is credit and room for them. Throws what the generator
/// throws, and operation_aborted once it was stopped.
template <class T>
asio::awaitable<void> produce(end_ptr end, std::uint64_t id, std::uint8_t flags,
                              std::shared_ptr<outgoing_stream> out, generator<T> items) {
    const auto executor = end->executor();
    items.start(co_await asio::this_coro::executor, out->ready);
    const auto go_on = [&] { out->ready.post(executor); };
    endpoint::position last{};
    const auto flush = [&] {
        if (last.end != 0) end->calls->queued(std::exchange(last, {}));
    };
    const auto stop_if_told = [&] {
        if (!out->stopped) return;
        flush();
        throw std::system_error(asio::error::operation_aborted);
    };
    co_await asio::this_coro::throw_if_cancelled(false);  // what stops it is stop()
    item_batch batch;
    batch.begin();
    for (;;) {
        items.advance();
        while (items.is_waiting()) {
            flush();
            if (out->stopped) items.stop();
            if (items.is_waiting()) co_await out->ready.wait(go_on);
        }
        stop_if_told();
        if (items.at_end()) break;
        while (!out->credit.has_room() && !out->stopped) {
            flush();
            co_await out->ready.wait(go_on);
        }
        if (end->must_wait_turn()) {
            flush();
            co_await end->wait_turn();
        }
        stop_if_told();
        last = put_frame(*end, frame_kind::item, id, flags, *items.item());
        out->credit.sent(last.end - last.begin);
        if (!batch.is_full()) continue;
        flush();
        co_await end->give_way();
        batch.begin();
    }
    flush();
    items.rethrow_failure();
}

/// Sends an upload, beside the call that it belongs to, and its end.
template <class T>
asio::awaitable<void> produce_upload(end_ptr end, std::uint64_t id,
                                     std::shared_ptr<outgoing_stream> out, generator<T> items) {
    try {
        co_await produce(end, id, frame_header::of_sender, out, std::move(items));
        if (!out->stopped) end->calls->send_empty(frame_kind::end, id, frame_header::of_sender);
    } catch (...) {
        if (!out->stopped) end->calls->fail(id, std::current_exception());
    }
}

template <class T>
void start_upload(const end_ptr& end, std::uint64_t id, generator<T> items) {
    auto out = end->calls->begin_upload(id);
    asio::co_spawn(end->executor(), produce_upload(end, id, std::move(out), std::move(items)),
                   asio::detached);
}

#pragma GCC diagnostic pop

}  // namespace remora::detail
