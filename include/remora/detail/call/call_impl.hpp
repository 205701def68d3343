// SPDX-License-Identifier: MIT
/// The bodies of pipe's calls. A call is one coroutine, and what waits for its answer lives in it.
#pragma once

#include <remora/detail/call/produce.hpp>
#include <remora/stream.hpp>

#include <algorithm>
#include <type_traits>
#include <utility>

namespace remora {
namespace detail {

template <class R>
struct answer_value {
    R value{};
    void take(pipe_end& end, const frame& f, std::string_view request) {
        if (f.header.kind != frame_kind::reply)
            raise(errc::protocol_error, "a stream, as the answer to " + std::string(request));
        if (f.header.tag != type_tag_of<R>()) end.raise_mismatch(f, type_name_of<R>());
        end.decode_value(f.payload, value);
    }
};
template <>
struct answer_value<void> {
    void take(pipe_end&, const frame& f, std::string_view request) {
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
        if (until != deadline::max()) told = end.calls->put_time_left(id, until);
        sent = put_frame(end, frame_kind::request, id, frame_header::of_sender, question);
    } catch (...) {
        if (told.end != 0) end.abandon_frame(told);
        end.calls->withdraw(id);
        throw;
    }
    end.calls->queued(sent);
}

/// A call that waits for its one answer.
template <class Request>
class awaited_answer final : public pending_call {
public:
    explicit awaited_answer(const end_ptr& end) : end_(end), waiting_(end->calls->waiting()) {}
    awaited_answer(const awaited_answer&) = delete;
    awaited_answer& operator=(const awaited_answer&) = delete;
    ~awaited_answer() {
        if (!done_) end_->calls->abandon(id_);
    }

    /// Begins the call.
    void send(const Request& question, deadline until) {
        id_ = end_->calls->begin(*this, until);
        queue_request(*end_, id_, question, until);
    }

    asio::awaitable<void> wait() {
        return waiting_.wait([this] {
            fail(end_->calls->why_cancelled(request_name()));
            end_->calls->abandon(id_);
            waiting_.post(end_->executor());
        });
    }

    bool is_done() const noexcept { return done_; }
    std::uint64_t id() const noexcept { return id_; }
    reply_of<Request> result() {
        if (why_) std::rethrow_exception(why_);
        if constexpr (!std::is_void_v<reply_of<Request>>) return std::move(value_.value);
    }

    void take(pipe_end& end, const frame& f) override {
        done_ = true;
        try {
            value_.take(end, f, request_name());
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

// The sentences for what is no call. After a failed check nothing else is compiled, so that its
// message is the only error.

template <class Request>
consteval bool is_request() {
    static_assert(request<Request>,
                  "remora: this type is no request: it needs `using reply = ...;`, the type that "
                  "answers it; to send a plain message, use send");
    return request<Request>;
}

template <class Request>
consteval bool is_call() {
    if constexpr (is_request<Request>()) {
        static_assert(!streaming_request<Request>,
                      "remora: this request is answered with a stream: use stream() instead of "
                      "call()");
        return !streaming_request<Request>;
    }
    return false;
}

template <class Request>
consteval bool is_stream() {
    if constexpr (is_request<Request>()) {
        static_assert(streaming_request<Request>,
                      "remora: this request is not answered with a stream: use call() instead of "
                      "stream(), or declare `using reply = remora::stream<item>;`");
        return streaming_request<Request>;
    }
    return false;
}

template <class Request>
consteval bool is_alone() {
    static_assert(!uploading_request<Request>,
                  "remora: this request comes with an upload: pass a remora::generator of its "
                  "items after it");
    return !uploading_request<Request>;
}

template <class Request, class Item>
consteval bool is_upload() {
    static_assert(uploading_request<Request>,
                  "remora: this request declares no upload: it needs `using upload = ...;`, the "
                  "type of the items that come along");
    if constexpr (uploading_request<Request>) {
        static_assert(std::is_same_v<upload_of<Request>, Item>,
                      "remora: these items are of another type than the request's `upload`");
        return std::is_same_v<upload_of<Request>, Item>;
    }
    return false;
}

/// What goes along with a request: nothing, or the items of an upload.
struct no_items {};
template <class T>
struct items_of {
    generator<T> items;
};

/// Until when a call may take that is made on `caller`: if that is a handler's, no longer than the
/// handler's own caller waits. Throws if there is no time left.
template <class Request>
deadline limit_of(const pipe_end& end, std::chrono::nanoseconds most,
                  const asio::any_io_executor& caller) {
    const serving* const from = serving_of(caller);
    const bool inherits = from != nullptr && from->session != nullptr;
    if (inherits) most = std::min(most, time_until(from->until));
    if (most <= most.zero()) throw call_session::too_late(end, type_name_of<Request>());
    return deadline_of(most);
}

// The coroutines hold the request: a reference to it, or the request itself.

template <class Held, class Along, class Request = std::remove_cvref_t<Held>>
asio::awaitable<reply_of<Request>> call_value(end_ptr end, Held question, call_options options,
                                              Along along) {
    const bool own = options.timeout != options.timeout.max();
    const auto until = limit_of<Request>(*end, own ? options.timeout : end->default_timeout,
                                         co_await asio::this_coro::executor);
    if (!call_session::of(end).may_call())
        co_await call_session::wait_turn(end, until, type_name_of<Request>());
    awaited_answer<Request> answer(end);
    answer.send(question, until);
    if constexpr (!std::is_same_v<Along, no_items>) {
        auto out = end->calls->begin_upload(answer.id());
        co_await send_upload(end, answer.id(), std::move(out), std::move(along.items), until);
    }
    if (!answer.is_done()) co_await answer.wait();
    co_return answer.result();
}

template <class Request, class... Args>
asio::awaitable<reply_of<Request>> call_built(end_ptr end, call_options options, Args... args) {
    const Request question{std::move(args)...};
    co_return co_await call_value<const Request&>(std::move(end), question, options, no_items());
}

template <class Held, class Along, class Request = std::remove_cvref_t<Held>>
asio::awaitable<stream<item_of<Request>>> stream_value(end_ptr end, Held question,
                                                       call_options options, Along along) {
    using item = item_of<Request>;
    const auto until = limit_of<Request>(*end, options.timeout, co_await asio::this_coro::executor);
    if (!call_session::of(end).may_call())
        co_await call_session::wait_turn(end, until, type_name_of<Request>());
    auto state =
        std::make_shared<incoming_stream>(end, type_tag_of<item>(), type_name_of<Request>(), true);
    state->id = end->calls->begin(*state, until);
    stream<item> result(state);
    queue_request(*end, state->id, question, until);
    if constexpr (!std::is_same_v<Along, no_items>)
        start_upload(state, std::move(along.items), until);
    co_return result;
}

template <class Request, class... Args>
asio::awaitable<stream<item_of<Request>>> stream_built(end_ptr end, call_options options,
                                                       Args... args) {
    const Request question{std::move(args)...};
    co_return co_await stream_value<const Request&>(std::move(end), question, options, no_items());
}

// The checks, which are the same for each way to give a request.

template <class Held>
auto call_alone(end_ptr end, Held&& question, call_options options) {
    using message = std::remove_cvref_t<Held>;
    if constexpr (is_call<message>()) {
        if constexpr (is_alone<message>())
            return call_value<Held>(std::move(end), std::forward<Held>(question), options,
                                    no_items());
    }
}

template <class Held, class Item>
auto call_uploading(end_ptr end, Held&& question, generator<Item> items, call_options options) {
    using message = std::remove_cvref_t<Held>;
    if constexpr (is_call<message>()) {
        if constexpr (is_upload<message, Item>())
            return call_value<Held>(std::move(end), std::forward<Held>(question), options,
                                    items_of<Item>{std::move(items)});
    }
}

template <class Held>
auto stream_alone(end_ptr end, Held&& question, call_options options) {
    using message = std::remove_cvref_t<Held>;
    if constexpr (is_stream<message>()) {
        if constexpr (is_alone<message>())
            return stream_value<Held>(std::move(end), std::forward<Held>(question), options,
                                      no_items());
    }
}

template <class Held, class Item>
auto stream_uploading(end_ptr end, Held&& question, generator<Item> items, call_options options) {
    using message = std::remove_cvref_t<Held>;
    if constexpr (is_stream<message>()) {
        if constexpr (is_upload<message, Item>())
            return stream_value<Held>(std::move(end), std::forward<Held>(question), options,
                                      items_of<Item>{std::move(items)});
    }
}

}  // namespace detail

template <class Request>
auto pipe::call(const Request& question, call_options options) {
    return detail::call_alone<const Request&>(checked(), question, options);
}

template <class Request>
    requires detail::given_away<Request>
auto pipe::call(Request&& question, call_options options) {
    return detail::call_alone<Request>(checked(), std::move(question), options);
}

template <class Request, class... Args>
    requires detail::building<Request, Args...>
auto pipe::call(Args... args) {
    return call<Request>(call_options{}, std::move(args)...);
}

template <class Request, class... Args>
    requires detail::building<Request, Args...>
auto pipe::call(call_options options, Args... args) {
    if constexpr (detail::is_call<Request>()) {
        if constexpr (detail::is_alone<Request>() && detail::is_built<Request, Args...>())
            return detail::call_built<Request>(checked(), options, std::move(args)...);
    }
}

template <class Request, class Item>
auto pipe::call(const Request& question, generator<Item> items, call_options options) {
    return detail::call_uploading<const Request&>(checked(), question, std::move(items), options);
}

template <class Request, class Item>
    requires detail::given_away<Request>
auto pipe::call(Request&& question, generator<Item> items, call_options options) {
    return detail::call_uploading<Request>(checked(), std::move(question), std::move(items),
                                           options);
}

template <class Request>
auto pipe::stream(const Request& question, call_options options) {
    return detail::stream_alone<const Request&>(checked(), question, options);
}

template <class Request>
    requires detail::given_away<Request>
auto pipe::stream(Request&& question, call_options options) {
    return detail::stream_alone<Request>(checked(), std::move(question), options);
}

template <class Request, class... Args>
    requires detail::building<Request, Args...>
auto pipe::stream(Args... args) {
    return stream<Request>(call_options{}, std::move(args)...);
}

template <class Request, class... Args>
    requires detail::building<Request, Args...>
auto pipe::stream(call_options options, Args... args) {
    if constexpr (detail::is_stream<Request>()) {
        if constexpr (detail::is_alone<Request>() && detail::is_built<Request, Args...>())
            return detail::stream_built<Request>(checked(), options, std::move(args)...);
    }
}

template <class Request, class Item>
auto pipe::stream(const Request& question, generator<Item> items, call_options options) {
    return detail::stream_uploading<const Request&>(checked(), question, std::move(items), options);
}

template <class Request, class Item>
    requires detail::given_away<Request>
auto pipe::stream(Request&& question, generator<Item> items, call_options options) {
    return detail::stream_uploading<Request>(checked(), std::move(question), std::move(items),
                                             options);
}

}  // namespace remora
