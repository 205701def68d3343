// SPDX-License-Identifier: MIT
/// The pipe: a named, full-duplex connection that carries typed messages.
#pragma once

#include <remora/call.hpp>
#include <remora/detail/base/fragile.hpp>
#include <remora/detail/call/pipe_end.hpp>
#include <remora/detail/call/refused_calls.hpp>
#include <remora/detail/call/request_checks.hpp>
#include <remora/pipe_counts.hpp>
#include <remora/receive_options.hpp>
#include <remora/request.hpp>
#include <remora/shared_bytes.hpp>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

namespace remora {

class any_answer;
class any_call;
class any_value;
class service;
class served_call;

namespace detail {
struct call_access;

template <class First, class...>
struct first_type {
    using type = First;
};

/// That Args are what a T is built from, T{args...}, and not a T itself.
template <class T, class... Args>
concept parts_of = sizeof...(Args) == 0 ||
                   !std::same_as<T, std::remove_cvref_t<typename first_type<Args..., void>::type>>;

/// Says what is wrong if Args, of arguments that were deduced for Args&&..., do not make a T.
template <class T, class... Args>
consteval bool can_build() {
    check_temporaries<Args...>();
    constexpr bool built =
        requires(std::decay_t<Args>&&... args) { T{unwrapped(std::move(args))...}; };
    constexpr bool has_options = !built && (is_options<std::decay_t<Args>> || ...);
    check_options<!has_options, T, Args...>();
    static_assert(built || has_options,
                  "remora: T{args...} is not possible with these arguments: one of them does not "
                  "fit its field, or could lose digits there (write 5u, or a static_cast)");
    return built;
}

/// That a loop over its constant finds values.
template <class Range>
concept values_to_send = requires(const Range& values) {
    *std::begin(values);
    std::begin(values) != std::end(values);
};

/// That an argument, whose type was deduced as T for a T&&, is a temporary that moves into the
/// coroutine.
template <class T>
concept movable_temporary =
    !std::is_reference_v<T> && !std::is_const_v<T> && std::move_constructible<T>;
}  // namespace detail

/// One end of a pipe. Move-only.
///
/// Operations are awaitables that run on the pipe's executor; the few that are not are to be called
/// there. A pipe is not to be used from two threads at once. From elsewhere:
/// run_on(pipe.get_executor(), operation), which may be cancelled; or co_spawn(pipe.get_executor(),
/// operation, token), see run_on(). That executor has to be a strand if several threads run its
/// context: the pipe does work of its own there. A pipe must not outlive its context.
///
/// It has many functions: messages, calls and streams each have a form for an lvalue, for a
/// temporary, and one that builds the value.
///
/// All that travels over a pipe, in both directions, is its conversation: that is over when an end
/// closes, is gone, or breaks the protocol.
///
/// Errors are thrown as std::system_error; the codes named here are those of remora::errc. A peer
/// that dies without a word is `server_gone` in an app, `app_gone` in a server, `broken_pipe`
/// otherwise. A pipe that was never opened, or that was moved from, is closed: what uses it throws
/// `closed` when it is called.
///
/// The destructor closes the pipe as close() does, without waiting: what was queued still leaves.
/// Operations in progress keep what they need and fail with `closed`.
class pipe : detail::refused_calls {
public:
    using executor_type = asio::any_io_executor;  ///< that of get_executor()

    pipe() = default;
    /// Operations in progress go on.
    pipe(pipe&& other) noexcept = default;
    /// Closes what was here, as the destructor does.
    pipe& operator=(pipe&& other) noexcept;
    ~pipe();

    /// Where the pipe works.
    executor_type get_executor() const { return checked()->executor(); }
    /// The name under which it was connected or accepted. Lives as long as this end.
    const std::string& name() const { return checked()->name(); }

    /// What this pipe stands on: `fifo` or `shared_memory`; `in_process` of a pair.
    transport_kind transport() const { return checked()->transport_used(); }

    /// In a server: which life of the app is at the other end. 1, and 1 more for each restart; see
    /// server_options::restart. 0 elsewhere.
    std::uint32_t life() const { return checked()->life; }

    /// False once this end has been closed, or never was open.
    bool is_open() const noexcept { return end_ && !end_->is_closed(); }

    /// Bytes to be filled, for a message, request, reply or item that is sent on this pipe: see
    /// shared_bytes. They lie in memory that both ends share if the pipe stands on shared memory,
    /// the other end knows of that, and pipe_limits::lent has room; and otherwise in memory of this
    /// process's own, as do less than 4096. What they contain at first is unspecified. They outlive
    /// the pipe. Throws std::bad_alloc.
    writable_bytes allocate(std::size_t size);

    /// Sends one message. The other end receives it, or has a handler that returns nothing for its
    /// type: otherwise it drops it, and tells there, as an event `message_dropped`; also what has a
    /// handler for calls. Here that is no error.
    ///
    /// `value` must live until completion. Any number of coroutines may send; messages leave whole
    /// and in the order of the calls. On completion every byte has been handed to the transport; on
    /// a full pipe this waits for room, and others run between the pieces of a large one. Fails
    /// with `message_too_large`, or what else encoding finds wrong (the pipe stays usable),
    /// `closed`, or the peer's death. Cancelled, it returns at once: nothing is sent if no byte had
    /// left, otherwise the pipe finishes the message by itself.
    template <class T>
    asio::awaitable<void> send(const T& value) {
        return send_value(checked(), value);
    }

    /// Builds T{args...} inside and sends it: the safe way to send a temporary of an aggregate (g++
    /// 12 destroys such temporaries twice within a co_await expression; one among the arguments is
    /// written as remora::item<U>(args...)). Otherwise as send().
    template <class T, class... Args>
        requires(sizeof...(Args) != 1 || detail::parts_of<T, Args...>)
    auto send(Args&&... args) {
        if constexpr (detail::can_build<T, Args...>())
            return send_built<T>(checked(), std::forward<Args>(args)...);
    }

    /// Sends one message, if that takes no waiting: no coroutine, and no frame of one. False if it
    /// has to wait for its turn, or if others are to have theirs, which is so now and then: nothing
    /// is sent then, and send() does what is needed. So where speed counts:
    ///
    ///     if (!p.try_send(value)) co_await p.send(value);
    ///
    /// What does not fit yet, or is too much for one turn, leaves by itself while the context runs,
    /// behind what was sent before. `value` is needed only during the call. Fails as send() does.
    template <class T>
    bool try_send(const T& value);

    /// Sends every value of the range, many to a write. `values` must live until completion.
    /// Otherwise as send(); cancelled, it may have sent the first of them.
    template <detail::values_to_send Range>
    asio::awaitable<void> send_all(const Range& values) {
        return send_range(checked(), values);
    }

    /// Receives one message of type T.
    ///
    /// One coroutine may receive: another one fails with `receive_in_progress`. Fails with
    /// `type_mismatch`, or what decoding finds wrong, and then leaves the message at the head;
    /// `timed_out`; `closed` after a clean end; otherwise with what ended the conversation. A
    /// message is taken as the last act: cancelling loses none.
    template <class T>
    asio::awaitable<T> receive(receive_options options = {}) {
        return receive_with<T>(checked(), options, pop_value<T>);
    }

    /// As receive<T>(), into a value whose memory is reused. `into` must live until completion;
    /// after a failure it is valid, with a part of the message perhaps.
    template <class T>
    asio::awaitable<void> receive(T& into, receive_options options = {}) {
        return receive_with<void>(checked(), options,
                                  [&into](auto& end, auto& f) { pop_into(end, f, into); });
    }

    /// Receives a message that has arrived, or arrives within the moment for which receive() looks
    /// before it waits: no coroutine, and no frame of one. False if none has, at a clean end, or if
    /// others are to have their turn, which is so now and then: receive() or next() does what is
    /// needed then. So where speed counts:
    ///
    ///     if (!p.try_receive(value)) co_await p.receive(value);
    ///
    /// Fails as receive() does.
    template <class T>
    bool try_receive(T& into);

    /// As receive<T>(), but a clean end gives nullopt. Name what it gives, as in
    /// while (auto m = co_await p.next<T>()): g++ 12 destroys a nameless one that it has not made.
    template <class T>
    asio::awaitable<std::optional<T>> next(receive_options options = {}) {
        return receive_with<std::optional<T>, end_is::nothing>(checked(), options, pop_value<T>);
    }

    /// Receives a message of one of the types Ts. As receive(): `type_mismatch` if it is of none of
    /// them. Types with the same message name do not compile.
    template <class... Ts>
    asio::awaitable<std::variant<Ts...>> receive_any(receive_options options = {}) {
        return receive_with<std::variant<Ts...>>(checked(), options, pop_any<Ts...>);
    }

    /// Completes when a message is at the head, or the conversation is over: the next receive will
    /// not wait. Counts as a receive while it waits, and fails as one. Cancelling ends only the
    /// wait.
    asio::awaitable<void> readable(receive_options options = {});

    /// Drops the message at the head. Does not wait: false if none has arrived, or at a clean end.
    /// Throws `receive_in_progress` during a receive or once the reader has started, otherwise what
    /// ended the conversation.
    bool skip();

    // Calls. The first of these, or an attached service, starts the pipe's reader: a receive is
    // then `receive_in_progress`, and messages go to the service's handlers. A call that is made by
    // a handler's coroutine inherits what is left of the deadline of the call that it serves.

    /// Calls the other end: sends a request and returns its answer, of type Request::reply.
    ///
    /// `question` must live until completion; a temporary is moved into the operation. Any number
    /// of calls may be in flight, answers come in any order; those that the other end has no room
    /// for wait their turn here. One that is made by a handler of this pipe, on the handler's
    /// executor, does not wait: see service_options::max_in_flight. Without any time left nothing
    /// is sent.
    ///
    /// Fails with `remote_error`, whose kind() says whether to try again; or with what encoding the
    /// request or decoding the reply finds wrong. Cancelled, it returns at once with
    /// asio::error::operation_aborted, and the handler on the other side is cancelled.
    ///
    /// The other end has to serve or to call: for one that only receives, a call is an error of the
    /// protocol, and ends the conversation.
    template <class Request>
    auto call(const Request& question, call_options options = {});
    /// As with `const Request&`, but of a temporary, which is moved into the operation.
    template <class Request>
        requires detail::movable_temporary<Request>
    auto call(Request&& question, call_options options = {});

    /// As with `const Request&`, but of Request{args...}, which is built and kept inside.
    template <class Request, class... Args>
        requires detail::parts_of<Request, Args...>
    auto call(Args&&... args);
    /// As with Args..., with options.
    template <class Request, class... Args>
        requires detail::parts_of<Request, Args...>
    auto call(call_options options, Args&&... args);
    using refused_calls::call;

    /// As call(question), for a request with an upload: `question` must live until completion,
    /// unless it is a temporary; `items` are sent along, as fast as the handler takes them. What
    /// the generator throws is thrown here, and cancels the handler. However the call ends, the
    /// generator has ended when it returns: it is not resumed any more, and what it awaits is
    /// cancelled and waited for.
    template <class Request, class Item>
    auto call(const Request& question, generator<Item> items, call_options options = {});
    /// As with `const Request&`, but of a temporary.
    template <class Request, class Item>
        requires detail::movable_temporary<Request>
    auto call(Request&& question, generator<Item> items, call_options options = {});

    /// From now on, the time limit of calls without a timeout of their own; max(): none. Zero or
    /// less: such calls fail with `timed_out`. Not for streams.
    void set_default_timeout(std::chrono::nanoseconds limit) { checked()->default_timeout = limit; }

    /// Asks for a stream. Waits for its turn as call() does, and returns a remora::stream of the
    /// items once the request is queued. Until then `question` must live (a temporary is moved in),
    /// it fails as call() does, and cancelling sends nothing. What fails later is thrown by
    /// stream::next(), which may have a time limit of its own; the timeout of the options is that
    /// of the last item. Any number may run. An upload is sent along until the stream ends or is
    /// dropped. A temporary pipe does not compile: the stream would end with it.
    template <class Request>
    auto stream(const Request& question, call_options options = {}) &;
    /// As with `const Request&`, but of a temporary, which is moved into the operation.
    template <class Request>
        requires detail::movable_temporary<Request>
    auto stream(Request&& question, call_options options = {}) &;
    /// As with `const Request&`, but of Request{args...}, which is built and kept inside.
    template <class Request, class... Args>
        requires detail::parts_of<Request, Args...>
    auto stream(Args&&... args) &;
    /// As with Args..., with options.
    template <class Request, class... Args>
        requires detail::parts_of<Request, Args...>
    auto stream(call_options options, Args&&... args) &;
    /// As without a generator, with an upload of `items`.
    template <class Request, class Item>
    auto stream(const Request& question, generator<Item> items, call_options options = {}) &;
    /// As without a generator, of a temporary, with an upload.
    template <class Request, class Item>
        requires detail::movable_temporary<Request>
    auto stream(Request&& question, generator<Item> items, call_options options = {}) &;
    using refused_calls::stream;

    /// Calls the other end with a request in bytes: see remora/any.hpp. Completes when the reply
    /// has come, or the first item of a stream. `request` must live until completion. The timeout
    /// of the options is that of the reply, or of the last item; the pipe's own one does not count.
    /// Otherwise as call() and stream().
    asio::awaitable<any_answer> call_bytes(const any_value& request, call_options options = {});
    /// As above, for a request with an upload of `items`, which end before the call or its stream
    /// does.
    asio::awaitable<any_answer> call_bytes(const any_value& request, generator<any_value> items,
                                           call_options options = {});
    /// Calls the other end with what this end, or that of another pipe on the same executor, was
    /// asked, as call_bytes() does: request, upload, and the time that is left. What a handler does
    /// that passes a call on; a message is sent on. Items are taken from one pipe as fast as the
    /// other one takes them, and a handler that is cancelled cancels the call. Fails with
    /// `bad_option` if the call has come on a pipe with another executor.
    asio::awaitable<any_answer> pass_on(any_call call, call_options options = {});

    /// Starts the reader: from now on, requests and messages of the other end go to the handlers of
    /// `what`, of which a copy is kept. Returns at once. Throws `bad_option` if a service is
    /// attached already or an option makes no sense, `receive_in_progress` during a receive.
    void attach(const service& what);

    /// attach(), when awaited, and then finished(): fails as these do. Of `what` a copy is kept
    /// from the call on. Cancelling ends only the wait.
    asio::awaitable<void> serve(const service& what);

    /// Completes when the conversation is over and every handler has ended. Fails with what ended
    /// it, unless that was a clean end. Cancelling ends the waiting only: a service ends with its
    /// pipe. As a call does, it makes the pipe read by itself: a `receive` is `receive_in_progress`
    /// afterwards, and during one this fails with that.
    asio::awaitable<void> finished();

    /// What this end has to do now, and has done so far; good also after the end of the
    /// conversation, and all 0 for a pipe that was never opened. As everything of a pipe it is to
    /// be called on the pipe's executor: nothing guards the numbers.
    pipe_counts counts() const noexcept;

    /// Ends the conversation: what was sent leaves first, then the peer sees a clean end. What it
    /// sends meanwhile is thrown away. May be called again. Cancelling stops the waiting, not the
    /// closing; nothing else makes it fail, the peer's death neither.
    asio::awaitable<void> close();

private:
    friend struct detail::call_access;
    friend class served_call;
    using end_ptr = std::shared_ptr<detail::pipe_end>;

    explicit pipe(end_ptr end) noexcept : end_(std::move(end)) {}

    const end_ptr& checked() const;

    template <class T>
    static asio::awaitable<void> send_value(end_ptr end, const T& value);
    template <class T, class... Args>
    static asio::awaitable<void> send_built(end_ptr end, Args... args);
    static asio::awaitable<any_answer> pass_on_message(end_ptr end, any_call message);
    template <class Range>
    static asio::awaitable<void> send_range(end_ptr end, const Range& values);
    template <class T>
    static detail::pipe_state::position put(detail::pipe_state& end, const T& value);

    /// A value that cannot be encoded throws, after the batch was sent.
    template <class T>
    static detail::pipe_state::position put_into_batch(detail::pipe_state& end, const T& value,
                                                       detail::pipe_state::position batch);

    enum class end_is { failure, nothing };
    template <class R, end_is at_end = end_is::failure, class Pop>
    static asio::awaitable<R> receive_with(end_ptr end, receive_options options, Pop pop);
    template <class T>
    static T pop_value(detail::pipe_state& end, const detail::frame& f);
    template <class T>
    static void pop_into(detail::pipe_state& end, const detail::frame& f, T& into);
    template <class... Ts>
    static std::variant<Ts...> pop_any(detail::pipe_state& end, const detail::frame& f);

    end_ptr end_;
};

/// Two ends of a pipe within one process, both on `executor` (a strand, if several threads run it):
/// for tests of services, without a server or an app. They behave as the pipes between processes
/// do. Throws `bad_option` for limits that make no sense. The arguments are copied.
std::pair<pipe, pipe> make_pipe_pair(const asio::any_io_executor& executor,
                                     const std::string& name = "pair",
                                     const pipe_limits& limits = {});
/// The same, on the executor of `io`.
std::pair<pipe, pipe> make_pipe_pair(asio::io_context& io, const std::string& name = "pair",
                                     const pipe_limits& limits = {});

}  // namespace remora

#include <remora/detail/pipe/pipe_impl.hpp>
// which needs that
#include <remora/detail/call/call_impl.hpp>
