// SPDX-License-Identifier: MIT
/// Sending the items of a generator. Not for users.
#pragma once

#include <remora/detail/call/call_access.hpp>
#include <remora/detail/call/caller.hpp>
#include <remora/detail/call/stream_ends.hpp>
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

/// What produce() and its waits share.
template <class T, class Cancelled>
struct producing {
    const end_ptr& end;
    const std::shared_ptr<outgoing_stream>& out;
    typename generator<T>::promise_type& items;
    deadline until;
    Cancelled& cancelled;
    pipe_state::position last{};  ///< of the items that are queued and may wait for others

    void flush() {
        if (last.end != 0) end->shared->batch.queued(std::exchange(last, {}));
    }
    void throw_if_stopped() {
        if (!out->stopped) return;
        flush();
        throw std::system_error(asio::error::operation_aborted);
    }
    auto wait(wake_event& where) {
        return where.wait([this, at = &where] {
            cancelled();
            at->post(end->executor());
        });
    }
};

/// Until the generator has yielded, or has ended.
template <class T, class Cancelled>
asio::awaitable<void> wait_for_item(producing<T, Cancelled>& mine) {
    while (mine.items.is_waiting()) {
        mine.flush();
        if (mine.out->stopped) mine.items.stop();
        if (mine.items.is_waiting()) co_await mine.wait(mine.out->item_event);
    }
}

template <class T, class Cancelled>
asio::awaitable<void> wait_for_credit(producing<T, Cancelled>& mine) {
    mine.flush();
    while (!mine.out->credit.has_room() && !mine.out->stopped)
        co_await mine.wait(mine.out->credit_event);
}

/// Until there is room in the queue of the pipe.
template <class T, class Cancelled>
asio::awaitable<void> wait_for_queue(producing<T, Cancelled>& mine) {
    mine.flush();
    std::error_code ec;
    try {
        co_await mine.end->wait_queue_room(mine.until);
    } catch (const std::system_error& e) {
        ec = e.code();
    }
    if (ec == asio::error::operation_aborted) mine.cancelled();
    while (ec && !mine.out->stopped)
        co_await mine.wait(mine.out->credit_event);
}

/// Sends the items of a stream, as there is credit and room for them. Throws what the generator
/// throws, and operation_aborted once it was stopped; not before what the generator awaits has
/// ended. `cancelled` is called when the awaiting coroutine is cancelled, and stops it. It is
/// stopped by outgoing_stream::stop(), too: caller::end_upload() calls that for an upload whose
/// call was cancelled, answered or too late, dispatcher::cancel() for a handler.
template <class T, class Cancelled>
asio::awaitable<void> produce(end_ptr end, std::uint64_t id, std::uint8_t flags,
                              std::shared_ptr<outgoing_stream> out, generator<T> items,
                              deadline until, Cancelled cancelled) {
    auto& source = call_access::source_of(items);
    source.start(co_await asio::this_coro::executor, out->item_event, out->stopped);
    producing<T, Cancelled> mine{end, out, source, until, cancelled};
    co_await asio::this_coro::throw_if_cancelled(false);  // what stops it is stop()
    item_batch batch;
    batch.begin();
    for (;;) {
        mine.throw_if_stopped();
        source.advance();
        if (source.is_waiting()) co_await wait_for_item(mine);
        mine.throw_if_stopped();
        if (source.at_end()) break;
        if (!out->credit.has_room()) co_await wait_for_credit(mine);
        if (end->queue_is_full() && !out->stopped) co_await wait_for_queue(mine);
        mine.throw_if_stopped();
        mine.last = put_frame(*end, frame_kind::item, id, flags, *source.item());
        out->credit.sent(mine.last.size);
        if (!batch.is_full()) continue;
        mine.flush();
        co_await end->yield();
        const auto state = co_await asio::this_coro::cancellation_state;
        if (state.cancelled() != asio::cancellation_type::none) cancelled();
        batch.begin();
    }
    mine.flush();
    source.rethrow_failure();
}

/// Sends the upload of a call, and its end. Completes when the generator has ended, or what it
/// awaited when it was stopped.
template <class T>
asio::awaitable<void> send_upload(end_ptr end, std::uint64_t id,
                                  std::shared_ptr<outgoing_stream> out, generator<T> items,
                                  deadline until) {
    const bool throws = co_await asio::this_coro::throw_if_cancelled();
    const auto cancelled = [calls = end->caller, id] { calls->cancel(id); };
    try {
        co_await produce(end, id, frame_header::of_sender, out, std::move(items), until, cancelled);
        if (!out->stopped)
            end->shared->batch.send_empty(frame_kind::end, id, frame_header::of_sender);
    } catch (...) {
        if (!out->stopped) end->caller->fail(id, std::current_exception());
    }
    co_await asio::this_coro::throw_if_cancelled(throws);
}

/// Sends the upload of a call that is answered with a stream, which does not end before it.
template <class T>
void start_upload(const std::shared_ptr<incoming_stream>& answer, generator<T> items,
                  deadline until) {
    const auto& end = answer->end;
    auto out = end->caller->begin_upload(answer->id);
    answer->begin_upload();
    try {
        asio::co_spawn(end->executor(),
                       send_upload(end, answer->id, std::move(out), std::move(items), until),
                       [answer](std::exception_ptr) { answer->upload_ended(); });
    } catch (...) {
        answer->upload_ended();
        throw;
    }
}

#pragma GCC diagnostic pop

}  // namespace remora::detail
