// SPDX-License-Identifier: MIT
// The calls that a session serves.
#include "call_failure.hpp"

#include <remora/detail/service_table.hpp>
#include <remora/detail/stream_ends.hpp>

namespace remora::detail {

std::shared_ptr<served_call> call_session::started(std::uint64_t id) {
    auto call = std::make_shared<served_call>();
    running_[id] = call;
    has_started_ = true;
    return call;
}

void call_session::ended(std::uint64_t id) {
    if (const auto found = running_.find(id); found != running_.end()) {
        const auto call = std::move(found->second);
        running_.erase(found);
        if (const auto upload = call->upload.lock()) upload->outlive();
    }
    if (!in_batch_) wake_streams();
    if (!is_over_ || !running_.empty()) return;
    for (asio::steady_timer* const waiting : awaiting_end_)
        waiting->cancel();
}

void call_session::answered(endpoint::position p) {
    served_.answered(p.end);
    queued(p);
}

void call_session::answer_done(std::uint64_t id) {
    auto p = end_.begin_frame(frame_kind::end, id);
    end_.end_frame(p);
    answered(p);
}

void call_session::answer_failure(std::uint64_t id, std::exception_ptr why) noexcept try {
    if (!end_.can_send()) return;
    answered(put_frame(end_, frame_kind::failure, id, 0, wire::call_failure::of(why)));
    end_after(why);
} catch (const std::exception&) {  // not even a failure can be told
    end_.close(errc::overloaded, "out of memory");
}

void call_session::failed(std::uint64_t id, bool one_way, std::exception_ptr why) noexcept {
    if (one_way) return end_after(why);
    ended(id);
    answer_failure(id, why);
}

void call_session::end_after(std::exception_ptr why) noexcept {
    if (!options_.end_on_exception || is_over_ || why_) return;
    why_ = why;
    end_.close(errc::service_failed, wire::call_failure::of(why).text);
}

void call_session::cancel_handlers() {
    std::vector<std::shared_ptr<served_call>> all;
    for (const auto& [id, call] : running_)
        all.push_back(call);
    for (const auto& call : all) {
        call->cancel.emit(asio::cancellation_type::terminal);
        if (call->items) call->items->stop();
        const auto upload = call->upload.lock();
        if (!upload) continue;
        upload->fail(std::make_exception_ptr(gone(upload->request_name())));
        upload->wake();
    }
}

void call_session::give_credit(std::uint64_t id, bool own, std::uint64_t bytes) noexcept try {
    if (!end_.can_send()) return;
    send_number(frame_kind::credit, id, own ? frame_header::of_sender : std::uint8_t{0}, bytes);
} catch (const std::exception&) {  // no memory for a frame: the stream could not go on
    end_.close(errc::overloaded, "out of memory");
}

}  // namespace remora::detail
