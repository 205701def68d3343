// SPDX-License-Identifier: MIT
// What a session does with each frame that arrives.
#include "call/call_failure.hpp"

#include <remora/detail/call/service_table.hpp>
#include <remora/detail/call/stream_ends.hpp>

#include <algorithm>

namespace remora::detail {
namespace {

bool is_of_sender(const frame& f) noexcept {
    return (f.header.flags & frame_header::of_sender) != 0;
}

std::string number(const frame& f) {
    return std::to_string(f.header.id);
}

}  // namespace

// What is no conversation any more ends here, and the peer is told.
void call_session::take(const frame& f) try {
    switch (f.header.kind) {
        case frame_kind::request:
            return take_request(f);
        case frame_kind::message:
            return take_message(f);
        case frame_kind::cancel:
            return take_cancel(f);
        case frame_kind::reply:
        case frame_kind::failure:
            return take_answer(f);
        case frame_kind::time_left:
            return take_time_left(f);
        case frame_kind::item:
        case frame_kind::end:
            return take_item(f);
        default:
            return take_credit(f);
    }
} catch (const error& e) {
    end_.close(e.code(), e.context());
    throw;
}

void call_session::take_request(const frame& f) {
    const bool in_pieces = (f.header.flags & frame_header::joined) != 0;
    const bool repeated = in_pieces && running_.find(f.header.id) != running_.end();
    auto admission =
        repeated ? served_table::verdict::repeated : served_.admit(f.header.id, in_pieces);
    if (admission == served_table::verdict::too_many) {
        served_.written(end_.written());  // answers may have left by themselves since
        admission = served_.admit(f.header.id, in_pieces);
    }
    switch (admission) {
        case served_table::verdict::admitted:
            break;
        case served_table::verdict::repeated:
            raise(errc::protocol_error, "the number of a call is used again: " + number(f));
        case served_table::verdict::too_many:
            raise(errc::protocol_error, "more unanswered calls than allowed, from " + number(f));
    }
    until_ = times_left_.take(f.header.id);
    const method* const found = services_ ? services_->find(f.header.tag) : nullptr;
    if (found != nullptr && !found->is_one_way())
        return found->serve(end_.shared_from_this(), services_, f);
    const auto id = f.header.id;
    const std::string text =
        services_ ? "no handler takes " + end_.type_text(f.header.tag) : "no service is attached";
    end_.pop_frame();
    answer_failure(id, std::make_exception_ptr(error(errc::unknown_request, text)));
}

void call_session::take_message(const frame& f) {
    const method* const found = services_ ? services_->find(f.header.tag) : nullptr;
    if (found != nullptr && found->is_one_way())
        return found->serve(end_.shared_from_this(), services_, f);
    ++dropped_;
    end_.pop_frame();
}

void call_session::take_time_left(const frame& f) {
    constexpr std::uint64_t most = std::chrono::nanoseconds::max().count();
    const auto left = std::min(decode<std::uint64_t>(f.payload), most);
    times_left_.note(f.header.id, deadline_of(std::chrono::nanoseconds(left)));
    end_.pop_frame();
}

void call_session::take_cancel(const frame& f) {
    const auto found = running_.find(f.header.id);
    end_.pop_frame();
    if (found == running_.end()) return;  // it was answered in the meantime
    const auto mine = found->second;
    mine->is_cancelled = true;
    mine->cancel.emit(asio::cancellation_type::terminal);
    if (mine->streams.items) mine->streams.items->stop(end_.executor());
}

// The last frame of a call.
void call_session::take_answer(const frame& f) {
    const auto id = f.header.id;
    const auto [what, call] = table_.find(id);
    if (what == call_table::verdict::repeated)
        raise(errc::protocol_error, "a second answer to call " + number(f));
    if (what == call_table::verdict::unknown) ++dropped_;
    if (what == call_table::verdict::expected) {
        if (f.header.kind == frame_kind::failure) {
            const auto why = decode<wire::call_failure>(f.payload, end_.limits().decode);
            call->fail(std::make_exception_ptr(
                why.to_error(end_.context() + std::string(call->request_name()))));
        } else {
            call->take(end_, f);
        }
    }
    table_.finish(id);  // not before: a call whose answer ends the conversation fails with the rest
    end_.pop_frame();
    end_upload(id);
    if (call != nullptr) call->wake();
    grant_turns();
}

void call_session::take_item(const frame& f) {
    if (!is_of_sender(f)) {
        if (f.header.kind == frame_kind::end) return take_answer(f);
        const auto [what, call] = table_.find(f.header.id);
        if (what == call_table::verdict::repeated)
            raise(errc::protocol_error, "an item after the answer to call " + number(f));
        if (what == call_table::verdict::unknown) ++dropped_;
        if (call != nullptr) call->take(end_, f);
        end_.pop_frame();
        if (call != nullptr) call->wake();
        return;
    }
    const auto found = running_.find(f.header.id);
    const auto upload = found == running_.end() ? nullptr : found->second->streams.upload.lock();
    if (upload) {
        upload->take(end_, f);
        end_.pop_frame();
        return upload->wake();
    }
    end_.pop_frame();  // its handler has answered in the meantime, or does not care
}

void call_session::take_credit(const frame& f) {
    std::shared_ptr<outgoing_stream> stream;
    if (is_of_sender(f)) {
        const auto found = running_.find(f.header.id);
        if (found != running_.end()) stream = found->second->streams.items;
    } else {
        const auto found = uploads_.find(f.header.id);
        if (found != uploads_.end()) stream = found->second;
    }
    if (stream && !stream->credit.granted(decode<std::uint64_t>(f.payload)))
        raise(errc::protocol_error, "more credit than a stream has used, for call " + number(f));
    end_.pop_frame();
    if (stream) stream->ready.resume();
}

}  // namespace remora::detail
