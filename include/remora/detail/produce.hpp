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
/// throws, and operation_aborted once it was stopped; not before what the generator awaits has
/// ended. `cancelled` is called when the awaiting coroutine is cancelled, and stops it. What stops
/// it when `until` has passed is the session.
template <class T, class Cancelled>
asio::awaitable<void> produce(end_ptr end, std::uint64_t id, std::uint8_t flags,
                              std::shared_ptr<outgoing_stream> out, generator<T> items,
                              deadline until, Cancelled cancelled) {
    const auto executor = end->executor();
    items.start(co_await asio::this_coro::executor, out->next, out->stopped);
    const auto wait = [&](suspension& where) {
        return where.wait([&, at = &where] {
            cancelled();
            at->post(executor);
        });
    };
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
            if (items.is_waiting()) co_await wait(out->next);
        }
        stop_if_told();
        if (items.at_end()) break;
        while (!out->credit.has_room() && !out->stopped) {
            flush();
            co_await wait(out->ready);
        }
        if (end->must_wait_turn() && !out->stopped) {
            flush();
            std::error_code ec;
            try {
                co_await end->wait_turn(until);
            } catch (const std::system_error& e) {
                ec = e.code();
            }
            if (ec == asio::error::operation_aborted) cancelled();
            while (ec && !out->stopped)
                co_await wait(out->ready);
        }
        stop_if_told();
        last = put_frame(*end, frame_kind::item, id, flags, *items.item());
        out->credit.sent(last.end - last.begin);
        if (!batch.is_full()) continue;
        flush();
        co_await end->give_way();
        const auto state = co_await asio::this_coro::cancellation_state;
        if (state.cancelled() != asio::cancellation_type::none) cancelled();
        batch.begin();
    }
    flush();
    items.rethrow_failure();
}

/// Sends the upload of a call, and its end. Completes when the generator has ended, or what it
/// awaited when it was stopped.
template <class T>
asio::awaitable<void> send_upload(end_ptr end, std::uint64_t id,
                                  std::shared_ptr<outgoing_stream> out, generator<T> items,
                                  deadline until) {
    const bool throws = co_await asio::this_coro::throw_if_cancelled();
    const auto cancelled = [calls = end->calls.get(), id] { calls->cancel(id); };
    try {
        co_await produce(end, id, frame_header::of_sender, out, std::move(items), until, cancelled);
        if (!out->stopped) end->calls->send_empty(frame_kind::end, id, frame_header::of_sender);
    } catch (...) {
        if (!out->stopped) end->calls->fail(id, std::current_exception());
    }
    co_await asio::this_coro::throw_if_cancelled(throws);
}

/// Sends the upload of a call that is answered with a stream, which does not end before it.
template <class T>
void start_upload(const std::shared_ptr<incoming_stream>& answer, generator<T> items,
                  deadline until) {
    const auto& end = answer->end;
    auto out = end->calls->begin_upload(answer->id);
    answer->is_uploading = true;
    asio::co_spawn(end->executor(),
                   send_upload(end, answer->id, std::move(out), std::move(items), until),
                   [answer](std::exception_ptr) { answer->upload_ended(); });
}

#pragma GCC diagnostic pop

}  // namespace remora::detail
