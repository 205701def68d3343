// SPDX-License-Identifier: MIT
/// Compile-time checks of calls, with their messages. Not for users.
#pragma once

#include <remora/call.hpp>

#include <chrono>
#include <concepts>
#include <type_traits>

namespace remora::detail {

template <class T>
inline constexpr bool is_options = std::same_as<std::remove_cvref_t<T>, call_options>;
template <class T>
inline constexpr bool is_duration = false;
template <class Rep, class Period>
inline constexpr bool is_duration<std::chrono::duration<Rep, Period>> = true;

template <class... Args>
struct all_but_last {
    static constexpr bool has_options = false;
};
template <class First, class Second, class... Rest>
struct all_but_last<First, Second, Rest...> {
    static constexpr bool has_options =
        is_options<First> || all_but_last<Second, Rest...>::has_options;
};

/// That these arguments, of which the first is a request or what stands in its place, have options
/// that are not the last of them, or a bare time instead.
template <class... Args>
concept misplaced_options =
    all_but_last<Args...>::has_options || (is_duration<std::remove_cvref_t<Args>> || ...);

// The sentences for what is no call. After a failed check nothing else is compiled, so that its
// message is the only error.

/// Of a call or stream whose options are where they cannot be.
template <bool in_place, class... What>
consteval void check_options() {
    static_assert(
        in_place,
        "remora: call_options come last, after a request, call(q, {.timeout = 1s}), and "
        "first before the members of one, call<T>({.timeout = 1s}, args...); and a const pipe "
        "has neither call() nor stream()");
}

template <class Request>
consteval bool is_request() {
    static_assert(request<Request>,
                  "remora: this type is no request: it needs `using reply = ...;`, the type that "
                  "answers it, other than its own; to send a plain message, use send");
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
consteval bool has_no_upload() {
    static_assert(!uploading_request<Request>,
                  "remora: this request comes with an upload: pass a remora::generator of its "
                  "items after it");
    return !uploading_request<Request>;
}

template <class Request, class Item>
consteval bool is_upload_of() {
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

}  // namespace remora::detail
