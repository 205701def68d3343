// SPDX-License-Identifier: MIT
/// The types that a handler takes and returns, and compile-time checks of it. Not for users.
#pragma once

#include <remora/asio.hpp>
#include <remora/request.hpp>

#include <cstddef>
#include <type_traits>

namespace remora::detail {

template <class... T>
struct first_of_types {
    using type = void;
};
template <class First, class... More>
struct first_of_types<First, More...> {
    using type = First;
};

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
    static constexpr std::size_t parameters = 1 + sizeof...(More);
    using second = typename first_of_types<More...>::type;
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

template <class T>
inline constexpr bool is_stream_of_items = false;
template <class T>
inline constexpr bool is_stream_of_items<stream<T>> = true;

// The sentences for what is no handler. Where one is said, nothing else is compiled.

/// Each parameter has its own.
template <class Traits>
consteval bool has_fitting_parameters() {
    using message = typename Traits::request;
    constexpr bool starts_with_request = !is_stream_of_items<message>;
    static_assert(starts_with_request,
                  "remora: the first parameter of this handler does not fit: it is the request, "
                  "and the stream of its upload comes second");
    static_assert(!starts_with_request || Traits::takes_value,
                  "remora: the first parameter of this handler does not fit: it takes the request "
                  "by value, or as a constant");
    if constexpr (!starts_with_request) {
        return false;
    } else if constexpr (uploading_request<message>) {
        constexpr std::size_t count = Traits::parameters;
        constexpr bool is_items =
            std::is_same_v<typename Traits::second, stream<upload_of<message>>>;
        static_assert(count != 1,
                      "remora: this handler lacks its second parameter: its request declares "
                      "`using upload = ...;`, so it also takes remora::stream<upload>");
        static_assert(count == 1 || is_items,
                      "remora: the second parameter of this handler does not fit: it is the items "
                      "of the request's upload, remora::stream<upload> by value");
        static_assert(count <= 2,
                      "remora: the third parameter of this handler does not fit: it takes the "
                      "request and the stream of its upload, and nothing else");
        return Traits::takes_value && count == 2 && is_items;
    } else {
        static_assert(Traits::parameters == 1,
                      "remora: the second parameter of this handler does not fit: its request "
                      "declares no `using upload = ...;`, so it takes the request alone");
        return Traits::takes_value && Traits::parameters == 1;
    }
}

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
        constexpr bool fits = has_fitting_parameters<traits>();
        constexpr bool no_upload = !uploading_request<message> || streaming_request<message>;
        constexpr bool waits_for_items = no_upload || awaited<result>::is_awaitable;
        if constexpr (request<message>) {
            constexpr bool right = answers<result, message>();
            static_assert(right,
                          "remora: this handler does not return the reply of its request: "
                          "`Request::reply`, or asio::awaitable of it; for a stream, "
                          "remora::generator of its items");
            static_assert(!right || waits_for_items,
                          "remora: a handler that takes an upload is a coroutine: it returns "
                          "asio::awaitable of the reply");
            return fits && right && waits_for_items;
        } else {
            static_assert(!fits || std::is_void_v<result>,
                          "remora: this handler returns something, but what it takes is no "
                          "request: it needs `using reply = ...;`, of void if nothing is to be "
                          "answered and the handler is a coroutine");
            return fits && std::is_void_v<result>;
        }
    }
    return false;
}

}  // namespace remora::detail
