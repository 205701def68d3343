// SPDX-License-Identifier: MIT
/// What a request says about its reply: the contract between those who call and those who serve.
///
///     struct question { using reply = answer;               ... };  // one answer
///     struct save     { using reply = void;                 ... };  // done, or an error
///     struct watch    { using reply = remora::stream<tick>; ... };  // any number of items
///     struct store    { using reply = receipt; using upload = chunk; ... };  // items come along
///     struct upload   { using reply = receipt; using items = chunk;  ... };  // the same
///     struct find     { using reply = found;  static constexpr bool idempotent = true; ... };
///
/// A class cannot have a member of its own name: `items` is for requests whose name is `upload`.
/// The reply is another type than the request. A struct without `reply` is a plain message: sent,
/// and not answered. This header is small, so that the file which both programs share can include
/// it.
#pragma once

#include <remora/detail/base/standard.hpp>

#include <concepts>
#include <type_traits>

namespace remora {

template <class T>
class stream;
template <class T>
class generator;

namespace detail {

// Within a class named `reply` or `upload` that is the name of the class itself.
template <class T>
concept names_reply =
    requires { typename T::reply; } && !std::same_as<typename T::reply, std::remove_cv_t<T>>;
template <class T>
concept names_upload =
    requires { typename T::upload; } && !std::same_as<typename T::upload, std::remove_cv_t<T>>;

template <class T>
struct upload_type {};
template <names_upload T>
struct upload_type<T> {
    using type = typename T::upload;
};
template <class T>
    requires(!names_upload<T> && requires { typename T::items; })
struct upload_type<T> {
    using type = typename T::items;
};

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

/// A type that says what it is answered with.
template <class T>
concept request = detail::names_reply<T>;

/// A request that comes with a stream of items from the caller.
template <class T>
concept uploading_request = request<T> && requires { typename detail::upload_type<T>::type; };

/// A request that is answered with a stream of items.
template <class T>
concept streaming_request =
    request<T> && requires { typename detail::item_type<typename T::reply>::type; };

/// A request that may be served twice, as it changes nothing, or nothing more the second time:
/// `static constexpr bool idempotent = true`. Who passes it on is told, and may try it again.
template <class T>
concept idempotent_request = request<T> && requires {
    requires std::same_as<decltype(T::idempotent), const bool>;
    requires T::idempotent;
};

/// What T is answered with: T::reply.
template <request T>
using reply_of = typename T::reply;

/// The type of the items that T is answered with.
template <streaming_request T>
using item_of = typename detail::item_type<typename T::reply>::type;

/// The type of the items that come with T.
template <uploading_request T>
using upload_of = typename detail::upload_type<T>::type;

}  // namespace remora
