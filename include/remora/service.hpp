// SPDX-License-Identifier: MIT
/// A service: handlers for the requests and messages of the other side.
#pragma once

#include <remora/detail/call/service_table.hpp>
#include <remora/pipe.hpp>
#include <remora/stream.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

namespace remora {

class any_answer;
class any_call;

/// How a service is served.
struct service_options {
    /// The largest number of unanswered requests on a connection, up to 65,536: the other side lets
    /// further calls wait. Each request may hold a message of pipe_limits::message, and an upload
    /// 256 KiB and one item. Calls that the other side makes while it serves a call of this end
    /// have a reserve of the same number; beyond that they fail as `overloaded`, since waiting
    /// could be a deadlock. A handler of requests of any type is at work for as many messages;
    /// while it is, the pipe is not read.
    std::size_t max_in_flight = 1024;
    /// Whether an exception that leaves a handler ends the connection, after it was answered, and
    /// is thrown by pipe::serve(); under server::serve it goes to `on_failure`.
    bool end_on_exception = false;
};

/// A call that a handler serves. Move-only; belongs to the executor of the pipe. A
/// default-constructed one, or one that was moved from, is cancelled.
class served_call {
public:
    using clock = std::chrono::steady_clock;  ///< that of deadline()

    served_call() = default;
    /// What was moved from is cancelled.
    served_call(served_call&&) noexcept = default;
    served_call& operator=(served_call&&) = delete;
    ~served_call() { pipe_.end_.reset(); }  // which closes nothing

    /// When the caller's time has passed; time_point::max() if it has set none, or is an older
    /// program.
    clock::time_point deadline() const noexcept { return until_; }
    /// What is left until then: 0 or less once it has passed.
    std::chrono::nanoseconds time_left() const { return detail::time_until(until_); }
    /// True once nobody waits for the answer: the caller has cancelled, its time has passed, or the
    /// conversation is over. The handler is cancelled then, too.
    bool is_cancelled() const;
    /// The pipe on which the call has arrived, for calls back to the caller. Do not move from it:
    /// that would close the pipe.
    remora::pipe& pipe() noexcept { return pipe_; }

private:
    friend asio::awaitable<served_call> this_call();

    served_call(std::shared_ptr<detail::pipe_end> end, std::uint64_t id, clock::time_point until)
        : pipe_(std::move(end)), id_(id), until_(until) {}

    remora::pipe pipe_;
    std::uint64_t id_ = 0;
    clock::time_point until_ = clock::time_point::max();
};

/// Within a handler that is a coroutine, and in all that it awaits: the call that it serves.
///
///     const auto call = co_await remora::this_call();
///     if (call.time_left() < 1s) co_return rough_answer(q);
///
/// Calls that are made there inherit what is left of the deadline. What a handler starts on its
/// executor and leaves behind may find another call there, or none: start it on the executor of the
/// pipe. Fails with `bad_option` elsewhere.
asio::awaitable<served_call> this_call();

/// Handlers by the type that they take. A value: cheap to copy, and a copy has the handlers that
/// were there when it was made. Distinct copies may be used by several threads at once.
///
///     remora::service maths;
///     maths.on([](question q) { return solve(q); });                          // at once
///     maths.on([](slow s) -> asio::awaitable<answer> { ... });                // as a coroutine
///     maths.on([](watch w) -> remora::generator<tick> { ... });               // a stream of items
///     maths.on([](store s, remora::stream<chunk> c) -> asio::awaitable<receipt> { ... });
///     maths.on([](remark r) { ... });                                         // a plain message
///     server.serve("maths", maths);
///
/// Handlers run on the executor of the pipe: those that are coroutines beside each other, plain
/// functions one after the other, while nothing else happens on it. If several connections are on
/// executors of their own and several threads run the context, a handler may be called by several
/// at once.
///
/// What a handler throws arrives at the caller as `remote_error`: std::system_error with its code,
/// std::bad_alloc as `overloaded`. A handler that is a coroutine is cancelled (`terminal`) when the
/// caller is, when its deadline has passed, and when the pipe ends.
class service {
public:
    /// Without handlers. The options are checked where a pipe attaches the service.
    explicit service(service_options options = {}) : options_(options) {}

    /// Adds a handler. It is called as handler(Request), or handler(Request, stream<upload>) if the
    /// request has an upload, and returns the reply, asio::awaitable of it, or for a stream,
    /// generator of its items. It may take the request by value or as a reference; that refers to
    /// it until the handler has ended. The handler itself is kept until the last call that it
    /// serves has ended. Throws `bad_option` if there is a handler for a type of that name.
    template <class Handler>
    service& on(Handler handler);

    /// The same with a member function. `of` must live until the last call that it serves has
    /// ended: until pipe::serve() or finished() has completed.
    template <class C, class Result, class... Taken, bool is_noexcept>
    service& on(Result (C::*f)(Taken...) noexcept(is_noexcept), std::type_identity_t<C>& of);
    /// The same with a const one.
    template <class C, class Result, class... Taken, bool is_noexcept>
    service& on(Result (C::*f)(Taken...) const noexcept(is_noexcept),
                const std::type_identity_t<C>& of);
    /// The object is referred to and not kept: no rvalue compiles, a moved object neither.
    template <class C, class Function, class Object>
        requires(!std::is_lvalue_reference_v<Object> && std::is_base_of_v<C, Object>)
    service& on(Function C::*, Object&&) {
        static_assert(detail::always_false<C>,
                      "remora: on(&C::f, object) refers to its object, which must outlive the "
                      "service: name it, without std::move; to have it kept, move it into a "
                      "lambda, on([o = std::move(o)](const question& q) { return o.f(q); })");
        return *this;
    }

    /// Adds a handler for the requests of any type that no other handler takes: see any_call. What
    /// it throws is as of other handlers; but a remote_error, as that of a call which it has passed
    /// on, arrives as it is, and does not end the connection. Throws `bad_option` if there is one.
    service& on_any(std::function<asio::awaitable<any_answer>(any_call)> handler);

    /// What it was made with.
    const service_options& options() const noexcept { return options_; }

private:
    friend struct detail::call_access;

    detail::service_ptr table_;  ///< never changed: who has it may share it; null: no handlers
    service_options options_;
};

}  // namespace remora

#include <remora/detail/call/service_impl.hpp>
