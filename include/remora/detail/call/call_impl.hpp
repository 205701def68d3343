// SPDX-License-Identifier: MIT
/// The bodies of pipe's calls. A call is one coroutine, and what waits for its answer lives in it.
#pragma once

#include <remora/detail/call/awaited_answer.hpp>
#include <remora/detail/call/call_access.hpp>
#include <remora/detail/call/call_executor.hpp>
#include <remora/detail/call/produce.hpp>
#include <remora/detail/call/request_checks.hpp>
#include <remora/stream.hpp>

#include <algorithm>
#include <string_view>
#include <type_traits>
#include <utility>

namespace remora {
namespace detail {

/// What goes along with a request: nothing, or the items of an upload.
struct without_upload {};
template <class T>
struct with_upload {
    generator<T> items;
};

/// How long a call may take: if a handler's coroutine makes it, no longer than the handler's own
/// caller waits. Throws if there is no time left.
inline call_limit limit_of(const pipe_end& end, std::chrono::nanoseconds most,
                           const call_context* from, std::string_view request) {
    const bool inherits = from != nullptr && from->end != nullptr;
    if (inherits) most = std::min(most, time_until(from->until));
    if (most <= most.zero()) throw caller::no_time_left(end, request);
    return {deadline_of(most), most};
}

// The coroutines hold the request, as a `Stored`: a reference to it, or the request itself.

template <class Stored, class Upload, class Request = std::remove_cvref_t<Stored>>
asio::awaitable<reply_of<Request>> call_value(end_ptr end, Stored question, call_options options,
                                              Upload upload) {
    const call_context* from = nullptr;
    if (has_handler_coroutines()) from = call_context_of(co_await asio::this_coro::executor);
    const bool own = options.timeout != options.timeout.max();
    const auto limit =
        limit_of(*end, own ? options.timeout : end->default_timeout, from, type_name_of<Request>());
    auto& calls = caller::of(end);
    if (!calls.may_call()) co_await calls.wait_turn(limit, type_name_of<Request>());
    awaited_answer<Request> answer(end);
    answer.send(question, limit);
    if constexpr (!std::is_same_v<Upload, without_upload>) {
        auto out = calls.begin_upload(answer.id());
        co_await send_upload(end, answer.id(), std::move(out), std::move(upload.items),
                             limit.until);
    }
    if (!answer.is_done()) co_await answer.wait();
    co_return answer.result();
}

template <class Request, class... Args>
asio::awaitable<reply_of<Request>> call_built(end_ptr end, call_options options, Args... args) {
    const auto question = built_from<Request>(std::move(args)...);
    co_return co_await call_value<const Request&>(std::move(end), question, options,
                                                  without_upload());
}

template <class Stored, class Upload, class Request = std::remove_cvref_t<Stored>>
asio::awaitable<stream<item_of<Request>>> stream_value(end_ptr end, Stored question,
                                                       call_options options, Upload upload) {
    using item = item_of<Request>;
    const call_context* from = nullptr;
    if (has_handler_coroutines()) from = call_context_of(co_await asio::this_coro::executor);
    const auto limit = limit_of(*end, options.timeout, from, type_name_of<Request>());
    auto& calls = caller::of(end);
    if (!calls.may_call()) co_await calls.wait_turn(limit, type_name_of<Request>());
    auto state =
        std::make_shared<incoming_stream>(end, type_tag_of<item>(), type_name_of<Request>(), true);
    state->id = calls.begin(*state, limit);
    auto result = call_access::make_stream<item>(state);
    queue_request(*end, state->id, question, limit.until);
    if constexpr (!std::is_same_v<Upload, without_upload>)
        start_upload(state, std::move(upload.items), limit.until);
    co_return result;
}

template <class Request, class... Args>
asio::awaitable<stream<item_of<Request>>> stream_built(end_ptr end, call_options options,
                                                       Args... args) {
    const auto question = built_from<Request>(std::move(args)...);
    co_return co_await stream_value<const Request&>(std::move(end), question, options,
                                                    without_upload());
}

// The checks, which are the same for each way to give a request.

template <class Stored>
auto call_without_upload(end_ptr end, Stored&& question, call_options options) {
    using message = std::remove_cvref_t<Stored>;
    if constexpr (is_call<message>()) {
        if constexpr (has_no_upload<message>())
            return call_value<Stored>(std::move(end), std::forward<Stored>(question), options,
                                      without_upload());
    }
}

template <class Stored, class Item>
auto call_with_upload(end_ptr end, Stored&& question, generator<Item> items, call_options options) {
    using message = std::remove_cvref_t<Stored>;
    if constexpr (is_call<message>()) {
        if constexpr (is_upload_of<message, Item>())
            return call_value<Stored>(std::move(end), std::forward<Stored>(question), options,
                                      with_upload<Item>{std::move(items)});
    }
}

template <class Stored>
auto stream_without_upload(end_ptr end, Stored&& question, call_options options) {
    using message = std::remove_cvref_t<Stored>;
    if constexpr (is_stream<message>()) {
        if constexpr (has_no_upload<message>())
            return stream_value<Stored>(std::move(end), std::forward<Stored>(question), options,
                                        without_upload());
    }
}

template <class Stored, class Item>
auto stream_with_upload(end_ptr end, Stored&& question, generator<Item> items,
                        call_options options) {
    using message = std::remove_cvref_t<Stored>;
    if constexpr (is_stream<message>()) {
        if constexpr (is_upload_of<message, Item>())
            return stream_value<Stored>(std::move(end), std::forward<Stored>(question), options,
                                        with_upload<Item>{std::move(items)});
    }
}

}  // namespace detail

template <class Request>
auto pipe::call(const Request& question, call_options options) {
    return detail::call_without_upload<const Request&>(checked(), question, options);
}

template <class Request>
    requires detail::movable_temporary<Request>
auto pipe::call(Request&& question, call_options options) {
    return detail::call_without_upload<Request>(checked(), std::move(question), options);
}

template <class Request, class... Args>
    requires detail::parts_of<Request, Args...>
auto pipe::call(Args&&... args) {
    return call<Request>(call_options{}, std::forward<Args>(args)...);
}

template <class Request, class... Args>
    requires detail::parts_of<Request, Args...>
auto pipe::call(call_options options, Args&&... args) {
    if constexpr (detail::is_call<Request>()) {
        if constexpr (detail::has_no_upload<Request>() && detail::can_build<Request, Args...>())
            return detail::call_built<Request>(checked(), options, std::forward<Args>(args)...);
    }
}

template <class Request, class Item>
auto pipe::call(const Request& question, generator<Item> items, call_options options) {
    return detail::call_with_upload<const Request&>(checked(), question, std::move(items), options);
}

template <class Request, class Item>
    requires detail::movable_temporary<Request>
auto pipe::call(Request&& question, generator<Item> items, call_options options) {
    return detail::call_with_upload<Request>(checked(), std::move(question), std::move(items),
                                             options);
}

template <class Request>
auto pipe::stream(const Request& question, call_options options) & {
    return detail::stream_without_upload<const Request&>(checked(), question, options);
}

template <class Request>
    requires detail::movable_temporary<Request>
auto pipe::stream(Request&& question, call_options options) & {
    return detail::stream_without_upload<Request>(checked(), std::move(question), options);
}

template <class Request, class... Args>
    requires detail::parts_of<Request, Args...>
auto pipe::stream(Args&&... args) & {
    return stream<Request>(call_options{}, std::forward<Args>(args)...);
}

template <class Request, class... Args>
    requires detail::parts_of<Request, Args...>
auto pipe::stream(call_options options, Args&&... args) & {
    if constexpr (detail::is_stream<Request>()) {
        if constexpr (detail::has_no_upload<Request>() && detail::can_build<Request, Args...>())
            return detail::stream_built<Request>(checked(), options, std::forward<Args>(args)...);
    }
}

template <class Request, class Item>
auto pipe::stream(const Request& question, generator<Item> items, call_options options) & {
    return detail::stream_with_upload<const Request&>(checked(), question, std::move(items),
                                                      options);
}

template <class Request, class Item>
    requires detail::movable_temporary<Request>
auto pipe::stream(Request&& question, generator<Item> items, call_options options) & {
    return detail::stream_with_upload<Request>(checked(), std::move(question), std::move(items),
                                               options);
}

}  // namespace remora
