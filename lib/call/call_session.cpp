// SPDX-License-Identifier: MIT
// A session as a whole: its reader, its batches, its end.
#include <remora/detail/call/service_table.hpp>
#include <remora/detail/call/stream_ends.hpp>

#include "base/exceptions.hpp"
#include "base/listed.hpp"
#include "call/call_slot.hpp"
#include "wire/control_records.hpp"

#include <algorithm>
#include <cassert>

namespace remora::detail {

namespace {

// Frames that leave together, at most: the other end works on them while this one makes the next.
constexpr int most_at_once = 16;
// How long a frame waits for others before the next handler runs.
constexpr auto longest_batch = std::chrono::microseconds(20);

}  // namespace

call_session::call_session(pipe_end& end)
    : end_(end), timer_(end.executor(), deadline::max()), served_(most_served(1)) {
}

call_session::~call_session() = default;

// Beyond the window there is a reserve for calls that are made while one of this end is served.
std::size_t call_session::most_served(std::size_t window) const noexcept {
    if (!end_.has_agreed(wire::nested_calls)) return window;
    return std::max(window, 2 * std::min<std::size_t>(window, most_in_flight));
}

// What the reader keeps. With it, which the context destroys, go those who wait for the session;
// then the guard, then the end, perhaps the last of it.
struct call_session::reading {
    explicit reading(const end_ptr& which) : end(which), guard(*end) {}
    reading(const reading&) = delete;
    reading& operator=(const reading&) = delete;
    ~reading() {
        end->calls->to_wake_.clear();
        end->calls->waiting_.drop_all();
    }

    end_ptr end;
    pipe_state::receiving guard;
};

std::unique_ptr<call_session::reading> call_session::make(const end_ptr& end) {
    auto calls = std::make_unique<call_session>(*end);
    auto mine = std::make_unique<reading>(end);
    end->calls = std::move(calls);
    end->set_call_frames(end->calls.get());
    end->calls->on_window(end->call_window());
    return mine;
}

// The reader may take what has arrived before this returns.
void call_session::start(std::unique_ptr<reading> mine) {
    const auto end = mine->end;
    try {
        asio::co_spawn(end->executor(), read(std::move(mine)), asio::detached);
    } catch (...) {  // a session without a reader would be none
        end->set_call_frames(nullptr);
        end->calls.reset();
        throw;
    }
}

call_session& call_session::of(const end_ptr& end) {
    if (!end->calls) start(make(end));
    return *end->calls;
}

void call_session::attach(const end_ptr& end, std::shared_ptr<const service_table> services,
                          const service_options& options) {
    if (options.max_in_flight == 0)
        raise(errc::bad_option, "max_in_flight is 0: nothing could be called");
    auto mine = end->calls ? nullptr : make(end);
    call_session& self = *end->calls;
    if (self.services_) raise(errc::bad_option, end->context() + "a service is attached already");
    self.services_ = std::move(services);
    self.options_ = options;
    self.served_.set_limit(self.most_served(options.max_in_flight));
    if (mine) start(std::move(mine));
    if (end->can_send()) self.send_number(frame_kind::window, 0, 0, options.max_in_flight);
}

asio::awaitable<void> call_session::read(std::unique_ptr<reading> mine) {
    call_session& self = *mine->end->calls;
    std::exception_ptr why;
    try {
        co_await self.read_all();
    } catch (const error&) {  // the conversation is over already
        why = std::current_exception();
    } catch (const std::bad_alloc&) {
        why = std::current_exception();
        self.give_up();
    } catch (...) {
        self.end_after(std::current_exception());
    }
    self.over(why);
    co_await self.wait_stream_uploads();
    assert(self.waiting_.empty());  // they would never hear of it
}

// Who awaits the end of a stream hears of it after its upload.
asio::awaitable<void> call_session::wait_stream_uploads() {
    while (stream_uploads_ != 0) {
        asio::steady_timer timer(end_.executor(), deadline::max());
        const listed waiting(awaiting_end_, timer);
        std::error_code ec;
        co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ec));
    }
}

void call_session::end_stream_upload() noexcept {
    if (--stream_uploads_ != 0) return;
    for (asio::steady_timer* const waiting : awaiting_end_)
        waiting->cancel();
}

asio::awaitable<void> call_session::read_all() {
    for (;;) {
        if (end_.yield_due()) {
            wake_streams();
            co_await end_.yield();
            flush();
        }
        if (const frame* const f = end_.peek_frame(pipe_state::effort::least)) {
            in_batch_ = true;
            flush_if_due();
            take(*f);
            continue;
        }
        if (end_.at_end()) break;
        wake_streams();
        in_batch_ = false;
        flush();
        if (!end_.look()) co_await end_.wait_message(deadline::max());
    }
}

void call_session::wake_later(std::shared_ptr<incoming_stream> stream) {
    try {
        to_wake_.push_back(stream);
    } catch (const std::bad_alloc&) {
        stream->go_on();
    }
}

void call_session::wake_streams() {
    while (!to_wake_.empty()) {
        const auto next = std::move(to_wake_.back());
        to_wake_.pop_back();
        next->go_on();
    }
}

void call_session::queued(pipe_state::position p) {
    batch_ = p;
    if (!in_batch_ || !end_.has_more() || ++queued_ == most_at_once) flush();
}

// Before each frame that is taken. What is answered to the only one leaves at once.
void call_session::flush_if_due() {
    if (queued_ == 0 && !end_.has_more_than_head()) return;
    const auto now = std::chrono::steady_clock::now();
    if (queued_ != 0 && now < batch_until_) return;
    if (queued_ != 0) flush();
    batch_until_ = now + longest_batch;
}

// A failure to write is the end: the reader meets it.
void call_session::flush() {
    queued_ = 0;
    if (batch_.end == 0 || !end_.can_send()) return;
    try {
        end_.flush(std::exchange(batch_, {}));
    } catch (const error& e) {
        end_.fail(e.code());
    } catch (const std::bad_alloc&) {
        end_.fail(std::make_error_code(std::errc::not_enough_memory));
    }
    served_.written(end_.written());
}

void call_session::send_empty(frame_kind kind, std::uint64_t id, std::uint8_t flags) {
    auto p = end_.begin_frame(kind, id, 0, {}, flags);
    end_.end_frame(p);
    queued(p);
}

pipe_state::position call_session::put_number(frame_kind kind, std::uint64_t id, std::uint8_t flags,
                                              std::uint64_t number) {
    auto p = end_.begin_frame(kind, id, 0, {}, flags);
    try {
        encode(end_.out(), number);
    } catch (...) {
        end_.abandon_frame(p);
        throw;
    }
    end_.end_frame(p);
    return p;
}

void call_session::send_number(frame_kind kind, std::uint64_t id, std::uint8_t flags,
                               std::uint64_t number) {
    queued(put_number(kind, id, flags, number));
}

// What has passed already is told as 1 ns.
pipe_state::position call_session::put_time_left(std::uint64_t id, deadline until) {
    const auto left = std::max(until - std::chrono::steady_clock::now(), deadline::duration(1));
    return put_number(frame_kind::time_left, id, frame_header::of_sender | frame_header::may_skip,
                      static_cast<std::uint64_t>(std::chrono::nanoseconds(left).count()));
}

// What leaves a handler or a caller's coroutine here is not thrown here: nothing keeps the rest
// from hearing of the end.
void call_session::over(std::exception_ptr why) {
    in_batch_ = false;
    is_over_ = true;
    if (!why_) why_ = why;
    timer_.cancel();
    while (pending_call* const call = table_.take_any()) {
        call->fail(gone(call->request_name()));
        call->wake();
    }
    cancel_handlers();
    for (const auto uploads = std::exchange(uploads_, {}); const auto& [id, stream] : uploads)
        stream->stop(end_.executor());
    for (const auto idle = std::exchange(idle_, {}); const auto& next : idle)
        next->idle.resume();
    wake_streams();
    for (turn* next = turns_; next != nullptr; next = next->next)
        next->timer.cancel();
    for (asio::steady_timer* const waiting : awaiting_end_)
        waiting->cancel();
}

remote_error call_session::why_gone(std::string_view request) const {
    const std::string what = std::string(request) + ": ";
    try {
        if (why_) std::rethrow_exception(why_);
    } catch (const error& e) {
        return {failure_kind::gone, e.code(), what + e.context()};
    } catch (const std::exception& e) {
        return {failure_kind::gone, errc::closed, what + e.what()};
    } catch (...) {
        return {failure_kind::gone, errc::service_failed, what + "a handler has thrown"};
    }
    return {failure_kind::gone, errc::closed, what + end_.context() + "the conversation is over"};
}

std::exception_ptr call_session::gone(std::string_view request) const noexcept {
    return exception_of([&] { return why_gone(request); });
}

asio::awaitable<void> call_session::wait_over(end_ptr end) {
    call_session& self = of(end);
    while (!self.is_over_ || !self.running_.empty()) {
        asio::steady_timer timer(end->executor(), deadline::max());
        const listed waiting(self.awaiting_end_, timer);
        std::error_code ec;
        co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ec));
        throw_if_cancelled(co_await asio::this_coro::cancellation_state);
    }
    if (self.why_) std::rethrow_exception(self.why_);
}

}  // namespace remora::detail
