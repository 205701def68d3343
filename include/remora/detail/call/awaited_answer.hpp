// SPDX-License-Identifier: MIT
/// A call that waits for its one answer, in the frame of the coroutine that calls. Not for users.
#pragma once

#include <remora/detail/call/caller.hpp>

#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace remora::detail {

/// The value of an answer, in the frame of the coroutine that calls.
template <class R>
struct answer_value {
    R value{};
    void decode(pipe_end& end, const frame& f, std::string_view request) {
        if (f.header.kind != frame_kind::reply)
            raise(errc::protocol_error, "a stream, as the answer to " + std::string(request));
        if (f.header.tag != type_tag_of<R>()) end.raise_mismatch(f, type_name_of<R>());
        end.decode_value(f.payload, value);
    }
};
template <>
struct answer_value<void> {
    void decode(pipe_end&, const frame& f, std::string_view request) {
        if (f.header.kind != frame_kind::end)
            raise(errc::protocol_error, "a value, as the answer to " + std::string(request));
    }
};

/// Queues the request of the call `id`. If that cannot be, the call is withdrawn: the other end
/// will not hear of it.
template <class Request>
void queue_request(pipe_end& end, std::uint64_t id, const Request& question, deadline until) {
    pipe_state::position told, sent;
    try {
        if (until != deadline::max()) told = end.caller->put_time_left(id, until);
        sent = put_frame(end, frame_kind::request, id, frame_header::of_sender, question);
    } catch (...) {
        if (told.end != 0) end.abandon_frame(told);
        end.caller->withdraw(id);
        throw;
    }
    end.shared->batch.queued(sent);
}

/// A call that waits for its one answer.
template <class Request>
class awaited_answer final : public pending_call {
public:
    explicit awaited_answer(const end_ptr& end) : end_(end), waiting_(end->shared->waiting) {}
    awaited_answer(const awaited_answer&) = delete;
    awaited_answer& operator=(const awaited_answer&) = delete;
    ~awaited_answer() {
        if (!done_) end_->caller->abandon(id_);
    }

    /// Begins the call.
    void send(const Request& question, deadline until) {
        id_ = end_->caller->begin(*this, until);
        queue_request(*end_, id_, question, until);
    }

    asio::awaitable<void> wait() {
        return waiting_.wait([this] {
            fail(end_->shared->conversation.why_cancelled(request_name()));
            end_->caller->abandon(id_);
            waiting_.post(end_->executor());
        });
    }

    bool is_done() const noexcept { return done_; }
    std::uint64_t id() const noexcept { return id_; }
    reply_of<Request> result() {
        if (why_) std::rethrow_exception(why_);
        if constexpr (!std::is_void_v<reply_of<Request>>) return std::move(value_.value);
    }

    void on_frame(pipe_end& end, const frame& f) override {
        done_ = true;
        try {
            value_.decode(end, f, request_name());
        } catch (const error& e) {
            if (e.code() == errc::protocol_error) throw;
            why_ = std::current_exception();
        } catch (...) {
            why_ = std::current_exception();
        }
    }
    void fail(std::exception_ptr why) noexcept override {
        done_ = true;
        why_ = std::move(why);
    }
    void wake() override { waiting_.resume(); }
    std::string_view request_name() const noexcept override { return type_name_of<Request>(); }

private:
    const end_ptr& end_;
    wake_event waiting_;
    answer_value<reply_of<Request>> value_;
    std::exception_ptr why_;
    std::uint64_t id_ = 0;
    bool done_ = false;
};

}  // namespace remora::detail
