// SPDX-License-Identifier: MIT
/// The types that a handler takes and returns, and compile-time checks of it. Not for users.
#pragma once

#include <remora/asio.hpp>
#include <remora/request.hpp>

#include <type_traits>

namespace remora::detail {

/// What a handler takes and returns.
template <class F>
struct handler_traits {};
template <class F>
    requires requires { &F::operator(); }
struct handler_traits<F> : handler_traits<decltype(&F::operator())> {};
template <class R, class Q, class... More>
struct handler_traits<R (*)(Q, More...)> {
    using result = R;
    using request = std::remove_cvref_t<Q>;
    static constexpr bool takes_value = std::is_convertible_v<request&&, Q>;
    static constexpr bool takes_reference = std::is_reference_v<Q>;
    template <class... T>
    static constexpr bool also_takes = std::is_same_v<void(More...), void(T...)>;
};
template <class C, class R, class... Q>
struct handler_traits<R (C::*)(Q...)> : handler_traits<R (*)(Q...)> {};
template <class C, class R, class... Q>
struct handler_traits<R (C::*)(Q...) const> : handler_traits<R (*)(Q...)> {};
template <class C, class R, class... Q>
struct handler_traits<R (C::*)(Q...) noexcept> : handler_traits<R (*)(Q...)> {};
template <class C, class R, class... Q>
struct handler_traits<R (C::*)(Q...) const noexcept> : handler_traits<R (*)(Q...)> {};
template <class R, class... Q>
struct handler_traits<R (*)(Q...) noexcept> : handler_traits<R (*)(Q...)> {};

/// Neither a template nor overloaded.
template <class F>
concept has_one_signature = requires { typename handler_traits<F>::request; };

template <class T>
struct awaited {
    using type = T;
    static constexpr bool is_awaitable = false;
};
template <class T>
struct awaited<asio::awaitable<T>> {
    using type = T;
    static constexpr bool is_awaitable = true;
};

template <class Result, class Request>
consteval bool answers() {
    if constexpr (streaming_request<Request>) {
        return std::is_same_v<Result, generator<item_of<Request>>>;
    } else {
        return std::is_same_v<typename awaited<Result>::type, reply_of<Request>>;
    }
}

template <class Traits>
consteval bool takes_upload() {
    using message = typename Traits::request;
    if constexpr (uploading_request<message>) {
        return Traits::template also_takes<stream<upload_of<message>>>;
    } else {
        return Traits::template also_takes<>;
    }
}

// The sentences for what is no handler. Where one is said, nothing else is compiled.
template <class Handler>
consteval bool is_handler() {
    constexpr bool member = std::is_member_function_pointer_v<Handler>;
    static_assert(!member,
                  "remora: a member function needs its object: on(&C::f, object), which refers to "
                  "the object");
    static_assert(member || has_one_signature<Handler>,
                  "remora: a handler is a function, or has one operator(), that is no template: "
                  "its first parameter says what it takes");
    if constexpr (!member && has_one_signature<Handler>) {
        using traits = handler_traits<Handler>;
        using message = typename traits::request;
        using result = typename traits::result;
        constexpr bool by_value = traits::takes_value, more = takes_upload<traits>();
        constexpr bool no_upload = !uploading_request<message> || streaming_request<message>;
        constexpr bool waits_for_items = no_upload || awaited<result>::is_awaitable;
        static_assert(by_value, "remora: a handler takes the request by value, or as a constant");
        static_assert(more,
                      "remora: a handler takes the request, and remora::stream<upload> after it if "
                      "and only if the request declares `using upload = ...;`");
        if constexpr (request<message>) {
            constexpr bool right = answers<result, message>();
            static_assert(right,
                          "remora: this handler does not return the reply of its request: "
                          "`Request::reply`, or asio::awaitable of it; for a stream, "
                          "remora::generator of its items");
            static_assert(!right || waits_for_items,
                          "remora: a handler that takes an upload is a coroutine: it returns "
                          "asio::awaitable of the reply");
            return by_value && more && right && waits_for_items;
        } else {
            static_assert(std::is_void_v<result>,
                          "remora: this handler returns something, but what it takes is no "
                          "request: it needs `using reply = ...;`");
            return by_value && more && std::is_void_v<result>;
        }
    }
    return false;
}

}  // namespace remora::detail
