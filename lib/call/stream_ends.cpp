// SPDX-License-Identifier: MIT
#include <remora/detail/call/stream_ends.hpp>

#include "base/exceptions.hpp"

#include <remora/detail/call/caller.hpp>

namespace remora::detail {

incoming_stream::incoming_stream(end_ptr where, std::uint64_t tag, std::string_view request,
                                 bool own)
    : end(std::move(where)),
      inbox(tag, end->shared->windows.first()),
      ready_(end->shared->events),
      first_window_(inbox.window()),
      request_(request),
      own_(own) {
}

incoming_stream::incoming_stream(end_ptr where, const std::string& request, bool own)
    : incoming_stream(std::move(where), stream_inbox::any_tag, {}, own) {
    kept_name_ = request;
    request_ = kept_name_;
}

incoming_stream::~incoming_stream() {
    end->shared->windows.grow(first_window_ - inbox.window());
}

void incoming_stream::on_frame(pipe_end&, const frame& f) {
    if (f.header.kind == frame_kind::end) return inbox.end();
    if (f.header.kind != frame_kind::item) return on_reply(f);
    switch (keep(f)) {
        case stream_inbox::verdict::taken:
            has_items_ = true;
            return;
        case stream_inbox::verdict::too_much:
            throw_error(errc::protocol_error, "a stream has sent more than its credit");
        case stream_inbox::verdict::after_end:
            throw_error(errc::protocol_error, "an item after the end of a stream");
        case stream_inbox::verdict::wrong_type:
            const error why(errc::type_mismatch, end->context() + std::string(request_) +
                                                     ": an item is " +
                                                     end->type_text(f.header.tag));
            inbox.refuse(std::make_exception_ptr(why));
    }
}

stream_inbox::verdict incoming_stream::keep(const frame& f) {
    return inbox.arrived(f.header.tag, f.payload, f.size(), end->loans());
}

void incoming_stream::on_reply(const frame& f) {
    if (!inbox.takes_any() || has_items_)
        throw_error(errc::protocol_error,
                    "a value, as the answer to " + std::string(request_) +
                        ", whose reply is a stream here; both programs need the same `reply`");
    keep(f);
    has_reply_ = true;
    inbox.end();
}

void incoming_stream::wake() {
    if (is_listed_ || !ready_.is_waiting()) return;
    is_listed_ = true;
    end->shared->batch.wake_later(shared_from_this());
}

void incoming_stream::resume() {
    is_listed_ = false;
    ready_.resume();
}

void incoming_stream::return_credit() {
    if (const auto more = inbox.wanted(); more != 0) inbox.grow(end->shared->windows.grow(more));
    if (const auto bytes = inbox.take_credit()) end->shared->windows.give_credit(id, own_, bytes);
}

std::exception_ptr incoming_stream::closed_because(const char* why) const noexcept {
    return exception_of(
        [&] { return error(errc::closed, end->context() + std::string(request_) + ": " + why); });
}

void incoming_stream::drop() noexcept {
    inbox.discard();
    if (own_) end->caller->abandon(id);
    if (!is_awaited) return;
    inbox.refuse(closed_because("the stream is gone"));
    ready_.post(end->executor());
}

void incoming_stream::handler_ended() {
    if (inbox.has_ended()) return;
    inbox.end(closed_because("the handler has ended"));
    wake();
}

void incoming_stream::begin_upload() noexcept {
    is_uploading = true;
    end->caller->begin_stream_upload();
}

void incoming_stream::upload_ended() {
    is_uploading = false;
    ready_.post(end->executor());
    end->caller->end_stream_upload();
}

asio::awaitable<void> incoming_stream::wait_upload_ended() {
    while (is_uploading)
        co_await ready_.wait([] {});
}

asio::awaitable<void> incoming_stream::wait_readable(std::shared_ptr<incoming_stream> self,
                                                     deadline until) {
    const awaiting_items guard(*self);
    while (self->inbox.empty() && !self->is_over())
        co_await self->wait(until);
}

asio::awaitable<void> incoming_stream::wait(deadline until) {
    const auto executor = end->executor();
    std::optional<asio::steady_timer> limit;
    if (until != deadline::max()) {
        if (std::chrono::steady_clock::now() >= until)
            throw_error(errc::timed_out, end->context() + "next of " + std::string(request_));
        limit.emplace(executor, until);
        limit->async_wait([self = shared_from_this(), executor](std::error_code ec) {
            if (!ec) self->ready_.post(executor);
        });
    }
    // The closure has no destructor: g++ 12 would run it twice.
    co_await ready_.wait([this] { ready_.post(end->executor()); });
    throw_if_cancelled(co_await asio::this_coro::cancellation_state);
}

void outgoing_stream::on_credit(const frame& f) {
    if (credit.granted(decode<std::uint64_t>(f.payload))) return;
    throw_error(errc::protocol_error,
                "more credit than a stream has used, for call " + std::to_string(f.header.id));
}

}  // namespace remora::detail
