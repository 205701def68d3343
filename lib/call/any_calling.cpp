// SPDX-License-Identifier: MIT
// Calls whose request and answer are bytes.
#include <remora/any.hpp>

#include "call/any_access.hpp"
#include "call/possible_upload.hpp"

#include <remora/detail/call/awaited_answer.hpp>
#include <remora/detail/call/call_executor.hpp>
#include <remora/detail/call/produce.hpp>

#include <exception>
#include <memory>
#include <string>
#include <utility>

namespace remora {
namespace detail {
namespace {

/// A call that waits for the beginning of its answer. An item, or an upload, makes a stream of it.
class awaited_any final : public awaited_call {
public:
    awaited_any(const end_ptr& end, const any_value& request)
        : awaited_call(end), request_(request) {}

    /// From now on a stream gets what comes, and is waited for. What is sent along is its upload.
    const std::shared_ptr<incoming_stream>& begin_stream() {
        if (stream_) return stream_;
        stream_ = std::make_shared<incoming_stream>(end_, any_access::shown_name(request_), true);
        stream_->id = id_;
        end_->caller->replace(id_, *stream_);
        done_ = true;
        items_ = call_access::make_stream<any_value>(stream_);
        return stream_;
    }

    /// Null if there is none.
    const std::shared_ptr<incoming_stream>& in_stream() const noexcept { return stream_; }
    stream<any_value> take_items() noexcept { return std::move(items_); }
    any_answer result() {
        if (why_) std::rethrow_exception(why_);
        return std::move(reply_);
    }

    void on_frame(pipe_end& end, const frame& f) override {
        if (f.header.kind == frame_kind::item) return begin_stream()->on_frame(end, f);
        done_ = true;
        if (f.header.kind != frame_kind::reply) return;
        try {
            reply_ = any_access::value_of(end, f);
        } catch (...) {
            why_ = std::current_exception();
        }
    }
    std::string_view request_name() const noexcept override try {
        if (name_.empty()) name_ = any_access::shown_name(request_);
        return name_;
    } catch (const std::bad_alloc&) {
        return "a request";
    }

private:
    const any_value& request_;
    mutable std::string name_;
    any_value reply_;
    std::shared_ptr<incoming_stream> stream_;
    stream<any_value> items_;  ///< of that: it cancels the call when it is dropped
};

/// A call that brings the upload of something else.
struct call_along {
    const any_value& what;
    upload_source& items;

    const any_value& request() const noexcept { return what; }
    bool is_idempotent() const noexcept { return false; }
};

upload_source* upload_of(any_call& from) noexcept {
    return any_access::upload(from);
}

upload_source* upload_of(call_along& from) noexcept {
    return &from.items;
}

/// Sends the upload of a call along with another one, once it begins.
template <class Call>
class passed_upload {
public:
    passed_upload(Call& from, awaited_any& to, deadline until)
        : from_(from), to_(to), until_(until) {
        upload_source* const upload = upload_of(from);
        if (upload == nullptr) return;
        if (upload->is_there())
            begin();
        else
            upload->on_begin = [this] { begin(); };
    }
    ~passed_upload() {
        if (auto* const upload = upload_of(from_); upload != nullptr && !is_kept_)
            upload->on_begin = nullptr;
    }
    passed_upload(const passed_upload&) = delete;
    passed_upload& operator=(const passed_upload&) = delete;

    /// The items that answer the call outlive this.
    void keep() {
        upload_source* const upload = upload_of(from_);
        if (upload == nullptr || !upload->on_begin) return;
        upload->on_begin = [upload, to = to_.in_stream(), until = until_] {
            if (to->end->caller->is_awaited(to->id)) start_upload(to, upload->items(), until);
        };
        is_kept_ = true;
    }

private:
    void begin() {
        if (to_.is_done()) return;
        const auto& answer = to_.begin_stream();  // what the call waits for from now on
        try {
            start_upload(answer, upload_of(from_)->items(), until_);
        } catch (...) {
            to_.wake();
            throw;
        }
        to_.wake();
    }

    Call& from_;  ///< has no upload any more once it was answered
    awaited_any& to_;
    deadline until_;
    bool is_kept_ = false;
};

// The name comes from the other end: it is quoted, and only where it is shown.
call_limit limit_of(const pipe_end& end, call_options options, const call_context* from,
                    const any_value& request) try {
    return limit_of(end, options.timeout, from, "");
} catch (const remote_error&) {
    throw caller::no_time_left(end, any_access::shown_name(request));
}

asio::awaitable<void> wait_turn(end_ptr end, call_limit limit, const any_value& request) {
    const auto name = any_access::shown_name(request);
    co_await end->caller->wait_turn(limit, name);
}

// Until the first item or the end of a stream, or the reply, and what was sent along has ended.
asio::awaitable<void> wait_first(incoming_stream& items) {
    while (items.inbox.empty() && !items.is_over())
        co_await items.wait(deadline::max());
    while (items.has_reply() && items.is_uploading)
        co_await items.wait(deadline::max());
}

// Completes once it is known whether the answer is a value, items or nothing.
asio::awaitable<any_answer> answer_from(std::shared_ptr<incoming_stream> in,
                                        stream<any_value> items) {
    std::exception_ptr why;
    try {
        co_await wait_first(*in);
    } catch (...) {
        why = std::current_exception();
        in->end->caller->abandon(in->id);
    }
    if (why) {
        const bool throws = co_await asio::this_coro::throw_if_cancelled();
        co_await asio::this_coro::throw_if_cancelled(false);
        co_await in->wait_upload_ended();
        co_await asio::this_coro::throw_if_cancelled(throws);
        std::rethrow_exception(why);
    }
    if (in->inbox.empty()) {
        if (in->inbox.failure()) std::rethrow_exception(in->inbox.failure());
        co_return any_answer();
    }
    if (!in->has_reply()) co_return any_answer(std::move(items));
    any_value reply;
    call_access::take_item(items, reply);
    co_return any_answer(std::move(reply));
}

asio::awaitable<any_answer> call_any(end_ptr end, const any_value& request, call_options options) {
    const call_context* from = nullptr;
    if (has_handler_coroutines()) from = call_context_of(co_await asio::this_coro::executor);
    const auto limit = limit_of(*end, options, from, request);
    if (!caller::of(end).may_call()) co_await wait_turn(end, limit, request);
    awaited_any answer(end, request);
    answer.send(request, limit);
    if (!answer.is_done()) co_await answer.wait();
    if (!answer.in_stream()) co_return answer.result();
    co_return any_answer(answer.take_items());
}

asio::awaitable<any_answer> call_any_with(end_ptr end, const any_value& request,
                                          generator<any_value> upload, call_options options) {
    const call_context* from = nullptr;
    if (has_handler_coroutines()) from = call_context_of(co_await asio::this_coro::executor);
    const auto limit = limit_of(*end, options, from, request);
    if (!caller::of(end).may_call()) co_await wait_turn(end, limit, request);
    awaited_any answer(end, request);
    answer.send(request, limit);
    start_upload(answer.begin_stream(), std::move(upload), limit.until);
    co_return co_await answer_from(answer.in_stream(), answer.take_items());
}

// A pipe that a handler has opened may have the executor of the handler's coroutine.
const asio::any_io_executor& of_pipe(const asio::any_io_executor& executor) {
    const call_context* const serves = call_context_of(executor);
    return serves == nullptr ? executor : of_pipe(serves->executor);
}

void check_executor(const asio::any_io_executor& from, const pipe_end& to) {
    if (from == to.executor() || of_pipe(from) == of_pipe(to.executor())) return;
    throw_error(errc::bad_option,
                to.context() + "pass_on: what was asked came from a pipe with another executor");
}

void check_upload(any_call& from, const pipe_end& to) {
    if (const auto* const upload = any_access::upload(from))
        check_executor(upload->end->executor(), to);
}

void check_upload(call_along&, const pipe_end&) {
}

template <class Call>
asio::awaitable<any_answer> pass_on_call(end_ptr end, Call call, call_options options) {
    const any_value& request = call.request();
    check_upload(call, *end);
    const call_context* from = nullptr;
    if (has_handler_coroutines()) from = call_context_of(co_await asio::this_coro::executor);
    const auto limit = limit_of(*end, options, from, request);
    if (!caller::of(end).may_call()) co_await wait_turn(end, limit, request);
    awaited_any answer(end, request);
    answer.send(request, limit, call.is_idempotent());
    passed_upload upload(call, answer, limit.until);
    if (!answer.is_done()) co_await answer.wait();
    if (!answer.in_stream()) co_return answer.result();
    auto first = co_await answer_from(answer.in_stream(), answer.take_items());
    if (first.items() != nullptr) upload.keep();
    co_return first;
}

}  // namespace

asio::awaitable<any_answer> any_access::call(pipe& on, const any_value& request,
                                             upload_source& upload, call_options options) {
    return pass_on_call(call_access::end_of(on), call_along{request, upload}, options);
}

}  // namespace detail

asio::awaitable<any_answer> pipe::call_bytes(const any_value& request, call_options options) {
    return detail::call_any(checked(), request, options);
}

asio::awaitable<any_answer> pipe::call_bytes(const any_value& request, generator<any_value> items,
                                             call_options options) {
    return detail::call_any_with(checked(), request, std::move(items), options);
}

asio::awaitable<any_answer> pipe::pass_on_message(end_ptr end, any_call message) {
    const auto* const from = detail::call_context_of(co_await asio::this_coro::executor);
    if (from != nullptr) detail::check_executor(from->executor, *end);
    co_await send_value(std::move(end), message.request());
    co_return any_answer();
}

asio::awaitable<any_answer> pipe::pass_on(any_call call, call_options options) {
    if (call.is_message()) return pass_on_message(checked(), std::move(call));
    return detail::pass_on_call(checked(), std::move(call), options);
}

}  // namespace remora
