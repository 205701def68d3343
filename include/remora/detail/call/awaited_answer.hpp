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

/// Of an answer that is another kind than the request's reply.
[[noreturn]] inline void throw_wrong_answer(const char* what, std::string_view request,
                                            const char* wanted) {
    throw_error(errc::protocol_error, what + std::string(request) + ", whose reply is " + wanted +
                                          " here; both programs need the same `reply`");
}

/// The value of an answer, in the frame of the coroutine that calls.
template <class R>
struct answer_value {
    R value{};
    void decode(pipe_end& end, const frame& f, std::string_view request) {
        if (f.header.kind != frame_kind::reply)
            throw_wrong_answer("a stream, as the answer to ", request, "one value");
        if (f.header.tag != type_tag_of<R>()) end.throw_wrong_reply(f, request, type_name_of<R>());
        try {
            decode_with(f.payload, value, end.limits().decode, end.loans());
        } catch (...) {
            end.rethrow_in_context(std::string(request) + ", its reply: ");
        }
    }
};
template <>
struct answer_value<void> {
    void decode(pipe_end&, const frame& f, std::string_view request) {
        if (f.header.kind != frame_kind::end)
            throw_wrong_answer("a value, as the answer to ", request, "void");
    }
};

/// Queues the request of the call `id`. If that cannot be, the call is withdrawn: the other end
/// will not hear of it.
template <class Request>
void queue_request(pipe_end& end, std::uint64_t id, const Request& question, deadline until,
                   bool is_idempotent = idempotent_request<Request>) {
    pipe_state::position time_left_frame, sent;
    try {
        if (until != deadline::max()) time_left_frame = end.caller->put_time_left(id, until);
        sent = put_frame(end, frame_kind::request, id, end.caller->request_flags(is_idempotent),
                         question);
    } catch (...) {
        if (time_left_frame.end != 0) end.drop_frame(time_left_frame);
        end.caller->withdraw(id);
        throw;
    }
    end.shared->batch.queued(sent);
}

/// A call that a coroutine waits for, in the frame of that. Its destructor abandons what is not
/// done.
class awaited_call : public pending_call {
public:
    awaited_call(const awaited_call&) = delete;
    awaited_call& operator=(const awaited_call&) = delete;

    /// Begins the call.
    template <class Request>
    void send(const Request& question, call_limit limit,
              bool is_idempotent = idempotent_request<Request>) {
        id_ = end_->caller->begin(*this, limit);
        queue_request(*end_, id_, question, limit.until, is_idempotent);
    }
    /// Completes when it is done, or wake() is called.
    asio::awaitable<void> wait() {
        return waiting_.wait([this] {
            if (done_) return;
            fail(end_->shared->state.why_cancelled(request_name()));
            end_->caller->abandon(id_);
            waiting_.post(end_->executor());
        });
    }

    bool is_done() const noexcept { return done_; }
    std::uint64_t id() const noexcept { return id_; }

    void fail(std::exception_ptr why) noexcept final {
        done_ = true;
        why_ = std::move(why);
    }
    void wake() final { waiting_.resume(); }

protected:
    explicit awaited_call(const end_ptr& end) : end_(end), waiting_(end->shared->events) {}
    ~awaited_call() {
        if (!done_) end_->caller->abandon(id_);
    }

    const end_ptr& end_;
    std::exception_ptr why_;  ///< null: it has not failed
    std::uint64_t id_ = 0;
    bool done_ = false;

private:
    wake_event waiting_;
};

/// A call that waits for its one answer.
template <class Request>
class awaited_answer final : public awaited_call {
public:
    explicit awaited_answer(const end_ptr& end) : awaited_call(end) {}

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
    std::string_view request_name() const noexcept override { return type_name_of<Request>(); }

private:
    answer_value<reply_of<Request>> value_;
};

}  // namespace remora::detail
