// SPDX-License-Identifier: MIT
/// Calling a handler: decoding, the call, its answer. Not for users.
#pragma once

#include <remora/detail/call/call_access.hpp>
#include <remora/detail/call/dispatcher.hpp>
#include <remora/detail/call/handler_traits.hpp>
#include <remora/detail/call/produce.hpp>
#include <remora/detail/call/service_table.hpp>
#include <remora/stream.hpp>

#include <exception>
#include <memory>
#include <type_traits>
#include <utility>

namespace remora::detail {

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
            end->dispatcher->answer_done(id);
        } else {
            const Reply answer = co_await std::move(work);
            if (end->queue_is_full()) co_await end->wait_queue_room();
            end->dispatcher->answer(id, answer);
        }
    } catch (...) {
        end->dispatcher->failed(id, false, std::current_exception());
    }
}

template <class T>
asio::awaitable<void> serve_stream(end_ptr end, std::uint64_t id, service_ptr,
                                   std::shared_ptr<outgoing_stream> out, generator<T> items) {
    const auto cancelled = [] {};  // dispatcher::cancel() stops it
    try {
        co_await produce(end, id, 0, std::move(out), std::move(items), deadline::max(), cancelled);
        end->dispatcher->answer_done(id);
    } catch (...) {
        end->dispatcher->failed(id, false, std::current_exception());
    }
}

#pragma GCC diagnostic pop

/// A request that its handler refers to, for as long as the handler is kept.
template <class Request>
struct kept_request {
    explicit kept_request(service_ptr table) : owner(std::move(table)) {}

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
    from.end->dispatcher->start(from.end, from.id,
                                serve_awaited(from.end, from.id, from.owner, std::move(handler)),
                                {std::move(from.upload), nullptr});
}

template <class T>
void start(served_request from, generator<T> handler) {
    auto items = std::make_shared<outgoing_stream>(from.end->shared->events);
    from.end->dispatcher->start(
        from.end, from.id, serve_stream(from.end, from.id, from.owner, items, std::move(handler)),
        {std::move(from.upload), items});
}

template <class Handler>
class typed_handler final : public request_handler {
    using traits = handler_traits<Handler>;
    using message = typename traits::request;
    using result = typename traits::result;
    static constexpr bool one_way = !request<message>;
    static constexpr bool is_coroutine =
        streaming_request<message> || awaited<result>::is_awaitable;
    static constexpr bool keeps_request = is_coroutine && traits::takes_reference;

public:
    explicit typed_handler(Handler handler)
        : request_handler(one_way, type_name_of<message>()), handler_(std::move(handler)) {}

    void serve(const end_ptr& end, const service_ptr& owner, const frame& f) const override {
        const auto id = f.header.id;
        bool decoded = false;
        try {
            if constexpr (keeps_request) {
                const auto kept = pop_kept_request(*end, owner, f);
                decoded = true;
                call(end, service_ptr(kept, owner.get()), id, kept->value);
            } else {
                message value{};
                pop_request(*end, f, value);
                decoded = true;
                call(end, owner, id, value);
            }
        } catch (...) {
            const auto why = std::current_exception();
            auto& calls = *end->dispatcher;
            decoded ? calls.failed(id, one_way, why) : calls.not_delivered(id, one_way, why);
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
            start({end, owner, id, upload},
                  handler_(std::move(value), call_access::make_stream<item>(upload)));
        } else if constexpr (is_coroutine) {
            start({end, owner, id, {}}, handler_(std::move(value)));
        } else if constexpr (std::is_void_v<result>) {
            handler_(std::move(value));
            end->dispatcher->answer_done(id);
        } else {
            end->dispatcher->answer(id, handler_(std::move(value)));
        }
    }

    // The frame is gone afterwards, whatever its bytes are.
    struct pop_guard {
        pipe_end& end;
        ~pop_guard() { end.pop_frame(); }
    };
    static void pop_request(pipe_end& end, const frame& f, message& into) {
        const pop_guard guard{end};
        end.decode_value(f.payload, into);
    }
    static std::shared_ptr<kept_request<message>> pop_kept_request(pipe_end& end,
                                                                   const service_ptr& owner,
                                                                   const frame& f) {
        const pop_guard guard{end};
        auto kept = std::make_shared<kept_request<message>>(owner);
        end.decode_value(f.payload, kept->value);
        return kept;
    }

    mutable Handler handler_;
};

}  // namespace remora::detail
