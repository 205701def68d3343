// SPDX-License-Identifier: MIT
/// How handlers are called. Not for users.
#pragma once

#include <remora/detail/call/produce.hpp>

#include <exception>
#include <memory>
#include <type_traits>
#include <utility>

namespace remora {
namespace detail {

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

template <class F>
concept plain_handler = requires { typename handler_traits<F>::request; };

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

#pragma GCC diagnostic push
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wsubobject-linkage"  // as in produce.hpp
#endif

// The operations of a handler's coroutine. Each keeps the table, and with it the handler, and the
// request where the handler refers to it. None names the handler's type: g++ 12 warns of a
// coroutine that has a parameter whose type is a lambda's of `main`.

template <class Reply>
asio::awaitable<void> serve_awaited(end_ptr end, std::uint64_t id, service_ptr,
                                    asio::awaitable<Reply> handler) {
    auto work = std::move(handler);  // which goes before the table, whatever the compiler
    try {
        if constexpr (std::is_void_v<Reply>) {
            co_await std::move(work);
            end->calls->answer_done(id);
        } else {
            const Reply answer = co_await std::move(work);
            if (end->queue_is_full()) co_await end->wait_queue_room();
            end->calls->answer(id, answer);
        }
    } catch (...) {
        end->calls->failed(id, false, std::current_exception());
    }
}

template <class T>
asio::awaitable<void> serve_stream(end_ptr end, std::uint64_t id, service_ptr,
                                   std::shared_ptr<outgoing_stream> out, generator<T> items) {
    const auto cancelled = [] {};  // the session stops it
    try {
        co_await produce(end, id, 0, std::move(out), std::move(items), deadline::max(), cancelled);
        end->calls->answer_done(id);
    } catch (...) {
        end->calls->failed(id, false, std::current_exception());
    }
}

#pragma GCC diagnostic pop

/// A request that its handler refers to, for as long as the handler is kept.
template <class Request>
struct kept_request {
    explicit kept_request(service_ptr table) noexcept : owner(std::move(table)) {}

    service_ptr owner;
    Request value{};
};

/// What a handler that is a coroutine was called with.
struct served_request {
    const end_ptr& end;
    const service_ptr& owner;
    std::uint64_t id;
    std::weak_ptr<incoming_stream> upload;
};

template <class Reply>
void start(served_request from, asio::awaitable<Reply> handler) {
    call_session::start(from.end, from.id,
                        serve_awaited(from.end, from.id, from.owner, std::move(handler)),
                        {std::move(from.upload), nullptr});
}

template <class T>
void start(served_request from, generator<T> handler) {
    auto items = std::make_shared<outgoing_stream>(from.end->calls->waiting());
    call_session::start(from.end, from.id,
                        serve_stream(from.end, from.id, from.owner, items, std::move(handler)),
                        {std::move(from.upload), items});
}

template <class Handler>
class method_of final : public method {
    using traits = handler_traits<Handler>;
    using message = typename traits::request;
    using result = typename traits::result;
    static constexpr bool one_way = !request<message>;
    static constexpr bool is_coroutine =
        streaming_request<message> || awaited<result>::is_awaitable;
    static constexpr bool keeps_request = is_coroutine && traits::takes_reference;

public:
    explicit method_of(Handler handler) : method(one_way), handler_(std::move(handler)) {}

    void serve(const end_ptr& end, const service_ptr& owner, const frame& f) const override {
        const auto id = f.header.id;
        bool taken = false;
        try {
            if constexpr (keeps_request) {
                const auto kept = take_kept(*end, owner, f);
                taken = true;
                call(end, service_ptr(kept, owner.get()), id, kept->value);
            } else {
                message value{};
                take(*end, f, value);
                taken = true;
                call(end, owner, id, value);
            }
        } catch (...) {
            const auto why = std::current_exception();
            auto& calls = *end->calls;
            taken ? calls.failed(id, one_way, why) : calls.refused(id, one_way, why);
        }
    }

private:
    void call(const end_ptr& end, const service_ptr& owner, std::uint64_t id,
              message& value) const {
        if constexpr (one_way) {
            handler_(std::move(value));
        } else if constexpr (uploading_request<message>) {
            using item = upload_of<message>;
            auto upload = std::make_shared<incoming_stream>(end, type_tag_of<item>(),
                                                            type_name_of<message>(), false);
            upload->id = id;
            start({end, owner, id, upload}, handler_(std::move(value), stream<item>(upload)));
        } else if constexpr (is_coroutine) {
            start({end, owner, id, {}}, handler_(std::move(value)));
        } else if constexpr (std::is_void_v<result>) {
            handler_(std::move(value));
            end->calls->answer_done(id);
        } else {
            end->calls->answer(id, handler_(std::move(value)));
        }
    }

    // The frame is gone afterwards, whatever its bytes are.
    struct popping {
        pipe_end& end;
        ~popping() { end.pop_frame(); }
    };
    static void take(pipe_end& end, const frame& f, message& into) {
        const popping popped{end};
        end.decode_value(f.payload, into);
    }
    static std::shared_ptr<kept_request<message>> take_kept(pipe_end& end, const service_ptr& owner,
                                                            const frame& f) {
        const popping popped{end};
        auto kept = std::make_shared<kept_request<message>>(owner);
        end.decode_value(f.payload, kept->value);
        return kept;
    }

    mutable Handler handler_;
};

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
    static_assert(member || plain_handler<Handler>,
                  "remora: a handler is a function, or has one operator(), that is no template: "
                  "its first parameter says what it takes");
    if constexpr (!member && plain_handler<Handler>) {
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

}  // namespace detail

template <class Handler>
service& service::on(Handler handler) {
    if constexpr (detail::is_handler<Handler>()) {
        using message = typename detail::handler_traits<Handler>::request;
        table_.add(type_tag_of<message>(), type_name_of<message>(),
                   std::make_shared<const detail::method_of<Handler>>(std::move(handler)));
    }
    return *this;
}

template <class C, class Result, class... Taken, bool is_noexcept>
service& service::on(Result (C::*f)(Taken...) noexcept(is_noexcept), std::type_identity_t<C>& of) {
    return on([f, &of](Taken... what) { return (of.*f)(std::forward<Taken>(what)...); });
}

template <class C, class Result, class... Taken, bool is_noexcept>
service& service::on(Result (C::*f)(Taken...) const noexcept(is_noexcept),
                     const std::type_identity_t<C>& of) {
    return on([f, &of](Taken... what) { return (of.*f)(std::forward<Taken>(what)...); });
}

}  // namespace remora
