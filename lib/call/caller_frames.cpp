// SPDX-License-Identifier: MIT
// What comes back to a caller, and the uploads that go along with its calls.
#include <remora/detail/call/caller.hpp>

#include "call/call_failure.hpp"

#include <remora/detail/call/stream_ends.hpp>

#include <string>

namespace remora::detail {

void caller::on_answer(const frame& f) {
    const auto id = f.header.id;
    const auto [what, call] = table_.find(id);
    if (what == call_table::verdict::repeated)
        throw_error(errc::protocol_error, "a second answer to call " + std::to_string(f.header.id));
    if (what == call_table::verdict::unknown) ++dropped_;
    if (what == call_table::verdict::expected) {
        if (f.header.kind == frame_kind::failure) {
            const auto why = decode<wire::call_failure>(f.payload, end_.limits().decode);
            call->fail(std::make_exception_ptr(
                call_failures::to_error(why, end_.context() + std::string(call->request_name()))));
            ++failed_;
        } else {
            call->on_frame(end_, f);
        }
    }
    table_.finish(id);  // not before: a call whose answer ends the conversation fails with the rest
    end_.pop_frame();
    end_upload(id);
    if (call != nullptr) call->wake();
    grant_turns();
}

void caller::on_item(const frame& f) {
    const auto [what, call] = table_.find(f.header.id);
    if (what == call_table::verdict::repeated)
        throw_error(errc::protocol_error,
                    "an item after the answer to call " + std::to_string(f.header.id));
    if (what == call_table::verdict::unknown) ++dropped_;
    if (call != nullptr) call->on_frame(end_, f);
    end_.pop_frame();
    if (call != nullptr) call->wake();
}

void caller::on_credit(const frame& f) {
    const auto found = uploads_.find(f.header.id);
    const auto stream = found == uploads_.end() ? nullptr : found->second;
    if (stream) stream->on_credit(f);
    end_.pop_frame();
    if (stream) stream->credit_event.resume();
}

std::shared_ptr<outgoing_stream> caller::begin_upload(std::uint64_t id) {
    auto stream = std::make_shared<outgoing_stream>(shared_.events);
    stream->credit = stream_credit(shared_.windows.first());
    uploads_[id] = stream;
    return stream;
}

void caller::end_upload(std::uint64_t id) noexcept {
    if (uploads_.empty()) return;
    const auto found = uploads_.find(id);
    if (found == uploads_.end()) return;
    const auto stream = std::move(found->second);
    uploads_.erase(found);
    stream->stop(end_.executor());
}

void caller::end_stream_upload() noexcept {
    if (--stream_uploads_ == 0) awaiting_uploads_.notify_all();
}

// Completes when the last upload of a stream has ended.
asio::awaitable<void> caller::wait_stream_uploads() {
    while (stream_uploads_ != 0) {
        wait_queue::waiter mine(awaiting_uploads_, end_.executor());
        co_await mine.wait();
    }
}

}  // namespace remora::detail
