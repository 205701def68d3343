// SPDX-License-Identifier: MIT
// The beginning of a call, and how it ends without an answer.
#include <remora/detail/call/caller.hpp>

#include "base/error_text.hpp"
#include "base/exceptions.hpp"
#include "wire/control_records.hpp"

#include <remora/detail/call/call_executor.hpp>
#include <remora/detail/call/stream_ends.hpp>

#include <algorithm>
#include <new>
#include <string>

namespace remora::detail {
namespace {

// Waiting could deadlock: the calls that fill the window may depend on this one.
remote_error no_room(const pipe_end& end, std::string_view request) {
    return {failure_kind::overloaded, errc::overloaded,
            end.context() + std::string(request) + ", called while serving the other end"};
}

remote_error too_late(const pipe_end& end, std::string_view request, const std::string& why) {
    return {failure_kind::timed_out, errc::timed_out,
            end.context() + std::string(request) + ": " + why};
}

// The limit has passed before the request was sent.
remote_error no_turn(const pipe_end& end, std::string_view request, call_limit limit) {
    return too_late(end, request,
                    "not sent within " + duration_text(limit.time) +
                        ", since the other end has not answered the calls before it");
}

}  // namespace

caller::caller(calls_shared& shared)
    : shared_(shared), end_(shared.end), timer_(end_.executor(), deadline::max()) {
}

caller::~caller() = default;

bool caller::may_call() const noexcept {
    return !shared_.state.is_over() && end_.can_send() && !turns_.has_waiting() &&
           table_.has_room(turns_.notified()) && !end_.queue_is_full();
}

remote_error caller::no_time_left(const pipe_end& end, std::string_view request) {
    return too_late(end, request, "no time is left for it, nothing was sent");
}

// The turn of a caller that fails is the next one's.
struct caller::turn_guard {
    explicit turn_guard(caller& who) noexcept : self(who) {}
    turn_guard(const turn_guard&) = delete;
    turn_guard& operator=(const turn_guard&) = delete;
    ~turn_guard() {
        if (!may_begin) self.grant_turns();
    }

    caller& self;
    bool may_begin = false;
};

asio::awaitable<void> caller::wait_turn(call_limit limit, std::string_view request) {
    check_calling(request);
    turn_guard guard(*this);
    wait_queue::waiter mine(turns_, end_.executor(), limit.until);
    const auto* const serves = call_context_of(co_await asio::this_coro::executor);
    if (serves != nullptr && serves->end == &end_) {
        if (!has_reserve()) throw no_room(end_, request);
        mine.notify();
    }
    grant_turns();
    if (!mine.is_notified()) co_await mine.wait();
    throw_if_cancelled(co_await asio::this_coro::cancellation_state);
    check_calling(request);
    if (!mine.is_notified()) throw no_turn(end_, request, limit);
    try {
        if (end_.queue_is_full()) co_await end_.wait_queue_room(limit.until);
    } catch (const error&) {
        throw no_turn(end_, request, limit);
    }
    check_calling(request);
    guard.may_begin = true;
}

void caller::check_calling(std::string_view request) const {
    if (shared_.state.is_over() || !end_.can_send()) throw shared_.state.why_gone(request);
}

void caller::grant_turns() {
    while (table_.has_room(turns_.notified()) && turns_.notify_one()) {
    }
}

bool caller::has_reserve() const noexcept {
    const auto granted = turns_.notified();
    return table_.has_room(granted) ||
           (end_.has_agreed(wire::nested_calls) && table_.has_reserve(granted));
}

void caller::set_window(std::uint64_t calls) {
    table_.set_window(static_cast<std::size_t>(std::min<std::uint64_t>(calls, most_in_flight)));
    grant_turns();
}

std::uint64_t caller::begin(pending_call& call, call_limit limit) {
    if (limit.until < armed_) arm(limit.until);
    return table_.begin(call, limit.until, limit.time);
}

// What has passed already is told as 1 ns.
pipe_state::position caller::put_time_left(std::uint64_t id, deadline until) {
    const auto time_left =
        std::max(until - std::chrono::steady_clock::now(), deadline::duration(1));
    return shared_.batch.put_number(
        frame_kind::time_left, id, frame_header::of_sender | frame_header::may_skip,
        static_cast<std::uint64_t>(std::chrono::nanoseconds(time_left).count()));
}

// An older program takes the flag for garbage.
std::uint8_t caller::request_flags(bool is_idempotent) const noexcept {
    const bool says = is_idempotent && end_.has_agreed(wire::idempotence);
    return says ? frame_header::of_sender | frame_header::idempotent : frame_header::of_sender;
}

void caller::withdraw(std::uint64_t id) {
    table_.withdraw(id);
    ++withdrawn_;
    grant_turns();
}

void caller::abandon(std::uint64_t id) noexcept {
    if (!table_.abandon(id)) return;
    ++failed_;
    try {
        end_upload(id);
        if (end_.can_send())
            shared_.batch.send_empty(frame_kind::cancel, id, frame_header::of_sender);
    } catch (const std::exception&) {  // without memory for a frame: the call ends by itself
    }
    if (!shared_.state.is_over()) end_.trace_given_up(id);
}

void caller::cancel(std::uint64_t id) noexcept {
    const auto [what, call] = table_.find(id);
    if (what != call_table::verdict::expected) return;
    call->fail(shared_.state.why_cancelled(call->request_name()));
    abandon(id);
}

void caller::fail(std::uint64_t id, std::exception_ptr why) noexcept {
    const auto [what, call] = table_.find(id);
    if (what != call_table::verdict::expected) return;
    abandon(id);
    call->fail(std::move(why));
    call->wake();
    shared_.batch.wake_streams_if_idle();
}

// One timer for all: it is set for the first deadline, and looks again when that has passed.
void caller::arm(deadline until) noexcept try {
    armed_ = until;
    timer_.expires_at(until);
    timer_.async_wait([weak = std::weak_ptr(end_.shared_from_this())](std::error_code ec) {
        const auto end = weak.lock();
        if (!ec && end) end->caller->expire();
    });
} catch (const std::bad_alloc&) {  // no deadline would pass any more
    shared_.state.end_out_of_memory();
}

void caller::expire() {
    armed_ = deadline::max();
    const auto now = std::chrono::steady_clock::now();
    while (const auto late = table_.expired(now)) {
        const pending_call& call = *table_.find(late->number).call;
        end_.trace_timed_out(late->number);
        fail(late->number, exception_of([&] {
                 return too_late(end_, call.request_name(),
                                 std::string("no ") + call.awaited_end() + " within " +
                                     duration_text(late->limit));
             }));
    }
    if (table_.next_deadline() < armed_) arm(table_.next_deadline());
}

void caller::end() {
    timer_.cancel();
    while (pending_call* const call = table_.extract_any()) {
        ++failed_;
        call->fail(shared_.state.gone_exception(call->request_name()));
        call->wake();
    }
    for (const auto uploads = std::exchange(uploads_, {}); const auto& [id, stream] : uploads)
        stream->stop(end_.executor());
    turns_.notify_all();
}

}  // namespace remora::detail
