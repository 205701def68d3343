// SPDX-License-Identifier: MIT
/// What looks like a call and is none: it does not compile, and the error says why. Not for users.
#pragma once

#include <remora/archive.hpp>
#include <remora/detail/call/request_checks.hpp>

#include <initializer_list>

namespace remora::detail {

/// Any argument, also one in braces, which has no type. Never made.
struct anything {
    template <class T>
    anything(T&&);
    anything(std::initializer_list<anything>);
};

template <class Request>
consteval void refuse_arguments() {
    static_assert(always_false<Request>,
                  "remora: call() and stream() do not take these arguments: give a request, "
                  "call(q, {.timeout = 1s}), or its type and members, call<T>(a, b); a member in "
                  "braces has no type: write remora::item<point>(1, 2), or name it; and a const "
                  "pipe has neither call() nor stream()");
}

template <class Request>
consteval void refuse_temporary_pipe() {
    static_assert(always_false<Request>,
                  "remora: a stream ends with its pipe, and this pipe is a temporary: name it, "
                  "auto p = co_await client.connect(...), and then p.stream(...)");
}

/// The overloads of pipe's call() and stream() that are chosen where no other can be: what they
/// take ranks behind what the others take. First come those with options in a wrong place, then
/// all. A requires-expression cannot ask whether a call is possible: it meets the error.
struct refused_calls {
    template <class... Args>
        requires misplaced_options<Args...>
    auto call(Args&&...) {
        check_options<sizeof...(Args) == 0, Args...>();
    }
    template <class T = void>
    auto call(anything, call_options) const {
        check_options<always_false<T>, T>();
    }
    template <class T = void>
    auto call(anything, anything, call_options) const {
        check_options<always_false<T>, T>();
    }
    template <class T = void>
    auto call(anything, anything, anything, call_options) const {
        check_options<always_false<T>, T>();
    }
    template <class T = void>
    auto call(anything, anything, anything, anything, call_options) const {
        check_options<always_false<T>, T>();
    }
    template <class T = void>
    auto call(call_options, anything, anything = {}, anything = {}, anything = {},
              anything = {}) const {
        check_options<always_false<T>, T>();
    }
    template <class T = void>
    auto call(anything = {}, anything = {}, anything = {}, anything = {}, anything = {},
              anything = {}) const volatile {
        refuse_arguments<T>();
    }

    template <class... Args>
        requires misplaced_options<Args...>
    auto stream(Args&&...) & {
        check_options<sizeof...(Args) == 0, Args...>();
    }
    template <class T = void>
    auto stream(anything, call_options) const& {
        check_options<always_false<T>, T>();
    }
    template <class T = void>
    auto stream(anything, anything, call_options) const& {
        check_options<always_false<T>, T>();
    }
    template <class T = void>
    auto stream(anything, anything, anything, call_options) const& {
        check_options<always_false<T>, T>();
    }
    template <class T = void>
    auto stream(anything, anything, anything, anything, call_options) const& {
        check_options<always_false<T>, T>();
    }
    template <class T = void>
    auto stream(call_options, anything, anything = {}, anything = {}, anything = {},
                anything = {}) const& {
        check_options<always_false<T>, T>();
    }
    template <class T = void>
    auto stream(anything = {}, anything = {}, anything = {}, anything = {}, anything = {},
                anything = {}) const volatile& {
        refuse_arguments<T>();
    }

    // Of a pipe that is a temporary: no stream at all.
    template <class T = void>
    auto stream(anything, call_options) && {
        refuse_temporary_pipe<T>();
    }
    template <class T = void>
    auto stream(anything, anything, call_options) && {
        refuse_temporary_pipe<T>();
    }
    template <class T = void>
    auto stream(call_options, anything = {}, anything = {}, anything = {}, anything = {},
                anything = {}) && {
        refuse_temporary_pipe<T>();
    }
    template <class T = void>
    auto stream(anything = {}, anything = {}, anything = {}, anything = {}, anything = {},
                anything = {}) const&& {
        refuse_temporary_pipe<T>();
    }
};

}  // namespace remora::detail
