// SPDX-License-Identifier: MIT
/// What a request says about its reply: the contract between those who call and those who serve.
///
///     struct question { using reply = answer;               ... };  // one answer
///     struct save     { using reply = void;                 ... };  // done, or an error
///     struct watch    { using reply = remora::stream<tick>; ... };  // any number of items
///     struct store    { using reply = receipt; using upload = chunk; ... };  // items the other
///     way
///
/// A struct without `reply` is a plain message: sent, and not answered. This header is small, so
/// that the file which both programs share can include it.
#pragma once

#include <remora/detail/standard.hpp>

#include <concepts>

namespace remora {

template <class T>
class stream;
template <class T>
class generator;

/// A type that says what it is answered with.
template <class T>
concept request = requires { typename T::reply; };

/// A request that comes with a stream of items from the caller.
template <class T>
concept uploading_request = request<T> && requires { typename T::upload; };

namespace detail {

template <class T>
struct item_type {};
template <class T>
struct item_type<stream<T>> {
    using type = T;
};
template <class T>
struct item_type<generator<T>> {
    using type = T;
};

}  // namespace detail

/// A request that is answered with a stream of items.
template <class T>
concept streaming_request =
    request<T> && requires { typename detail::item_type<typename T::reply>::type; };

template <request T>
using reply_of = typename T::reply;

template <streaming_request T>
using item_of = typename detail::item_type<typename T::reply>::type;

template <uploading_request T>
using upload_of = typename T::upload;

}  // namespace remora
