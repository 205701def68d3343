// SPDX-License-Identifier: MIT
// The calls that a session makes.
#include "base/exceptions.hpp"
#include "call/call_slot.hpp"
#include "wire/control_records.hpp"

#include <remora/detail/call/stream_ends.hpp>

#include <algorithm>

namespace remora::detail {
namespace {

// Waiting could deadlock: the calls that fill the window may depend on this one.
remote_error no_room(const pipe_end& end, std::string_view request) {
    return {failure_kind::overloaded, errc::overloaded,
            end.context() + std::string(request) + ", called while serving the other end"};
}

}  // namespace

bool call_session::may_call() const noexcept {
    return !is_over_ && end_.can_send() && turns_ == nullptr && table_.has_room(granted_) &&
           !end_.queue_is_full();
}

remote_error call_session::too_late(const pipe_end& end, std::string_view request) {
    return {failure_kind::timed_out, errc::timed_out, end.context() + std::string(request)};
}

asio::awaitable<void> call_session::wait_turn(end_ptr end, deadline until,
                                              std::string_view request) {
    call_session& self = *end->calls;
    self.check_calling(request);
    turn mine(self, until);
    const auto* const serves = serving_of(co_await asio::this_coro::executor);
    if (serves != nullptr && serves->session == &self) {
        if (!self.has_reserve()) throw no_room(*end, request);
        mine.grant();
    }
    self.grant_turns();
    std::error_code ec;
    if (!mine.granted)
        co_await mine.timer.async_wait(asio::redirect_error(asio::use_awaitable, ec));
    throw_if_cancelled(co_await asio::this_coro::cancellation_state);
    self.check_calling(request);
    if (!mine.granted) throw too_late(*end, request);
    try {
        if (end->queue_is_full()) co_await end->wait_queue_room(until);
    } catch (const error&) {
        throw too_late(*end, request);
    }
    self.check_calling(request);
    mine.use();
}

void call_session::check_calling(std::string_view request) const {
    if (is_over_ || !end_.can_send()) throw why_gone(request);
}

void call_session::grant_turns() {
    while (turns_ != nullptr && table_.has_room(granted_))
        turns_->grant();
}

bool call_session::has_reserve() const noexcept {
    return table_.has_room(granted_) ||
           (end_.has_agreed(wire::nested_calls) && table_.has_reserve(granted_));
}

void call_session::on_window(std::uint64_t calls) {
    table_.set_window(static_cast<std::size_t>(std::min(calls, most_in_flight)));
    grant_turns();
}

std::uint64_t call_session::begin(pending_call& call, deadline until) {
    if (until < armed_) arm(until);
    return table_.begin(call, until);
}

void call_session::withdraw(std::uint64_t id) {
    table_.withdraw(id);
    grant_turns();
}

void call_session::abandon(std::uint64_t id) noexcept try {
    if (!table_.abandon(id)) return;
    end_upload(id);
    if (end_.can_send()) send_empty(frame_kind::cancel, id, frame_header::of_sender);
} catch (const std::exception&) {  // without memory for a frame: the call ends by itself
}

// As those are that are awaited together with one which has failed with the conversation.
std::exception_ptr call_session::why_cancelled(std::string_view request) const noexcept {
    if (is_over_) return gone(request);
    return std::make_exception_ptr(std::system_error(asio::error::operation_aborted));
}

void call_session::cancel(std::uint64_t id) noexcept {
    const auto [what, call] = table_.find(id);
    if (what != call_table::verdict::expected) return;
    call->fail(why_cancelled(call->request_name()));
    abandon(id);
}

void call_session::fail(std::uint64_t id, std::exception_ptr why) noexcept {
    const auto [what, call] = table_.find(id);
    if (what != call_table::verdict::expected) return;
    abandon(id);
    call->fail(std::move(why));
    call->wake();
    if (!in_batch_) wake_streams();  // the reader sleeps
}

// One timer for all: it is set for the first deadline, and looks again when that has passed.
void call_session::arm(deadline until) noexcept try {
    armed_ = until;
    timer_.expires_at(until);
    timer_.async_wait([weak = std::weak_ptr(end_.shared_from_this())](std::error_code ec) {
        const auto end = weak.lock();
        if (!ec && end) end->calls->expire();
    });
} catch (const std::bad_alloc&) {  // no deadline would pass any more
    give_up();
}

void call_session::expire() {
    armed_ = deadline::max();
    const auto now = std::chrono::steady_clock::now();
    while (const auto id = table_.expired(now)) {
        const auto name = table_.find(*id).call->request_name();
        fail(*id, exception_of([&] { return too_late(end_, name); }));
    }
    if (table_.next_deadline() < armed_) arm(table_.next_deadline());
}

std::shared_ptr<outgoing_stream> call_session::begin_upload(std::uint64_t id) {
    auto stream = std::make_shared<outgoing_stream>(waiting_);
    stream->credit = stream_credit(window_of_streams());
    uploads_[id] = stream;
    return stream;
}

void call_session::end_upload(std::uint64_t id) noexcept {
    if (uploads_.empty()) return;
    const auto found = uploads_.find(id);
    if (found == uploads_.end()) return;
    const auto stream = std::move(found->second);
    uploads_.erase(found);
    stream->stop(end_.executor());
}

}  // namespace remora::detail
