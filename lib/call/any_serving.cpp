// SPDX-License-Identifier: MIT
// Handlers of requests of any type.
#include <remora/any.hpp>

#include "call/any_access.hpp"
#include "call/possible_upload.hpp"

#include <remora/detail/call/produce.hpp>
#include <remora/detail/call/service_table.hpp>

#include <exception>
#include <functional>
#include <memory>
#include <system_error>
#include <utility>
#include <variant>

namespace remora {
namespace detail {
namespace {

using any_handler = std::function<asio::awaitable<any_answer>(any_call)>;

asio::awaitable<void> send_items(end_ptr end, std::uint64_t id, generator<any_value> items) {
    auto out = std::make_shared<outgoing_stream>(end->shared->events);
    end->dispatcher->begin_items(id, out);
    co_await produce(end, id, 0, std::move(out), std::move(items), deadline::max(), [] {});
    end->dispatcher->answer_done(id);
}

asio::awaitable<void> send_answer(end_ptr end, std::uint64_t id, any_answer answer) {
    if (auto& made = any_access::made_items(answer))
        return send_items(std::move(end), id, std::move(*made));
    return send_items(std::move(end), id, items_of(std::move(*answer.items())));
}

// The handler is the table's, which this keeps.
asio::awaitable<void> serve_any(end_ptr end, std::uint64_t id, service_ptr,
                                const any_handler& handler, any_value request, bool is_idempotent) {
    possible_upload upload(end, id);
    try {
        auto work = handler(any_access::make_call(upload, std::move(request), is_idempotent));
        any_answer answer = co_await std::move(work);
        if (answer.value() != nullptr) {
            if (end->queue_is_full()) co_await end->wait_queue_room();
            end->dispatcher->answer(id, *answer.value());
        } else if (answer.is_done()) {
            end->dispatcher->answer_done(id);
        } else {
            co_await send_answer(end, id, std::move(answer));
        }
    } catch (const remote_error& e) {
        end->dispatcher->passed_failure(id, e);
    } catch (...) {
        end->dispatcher->failed(id, false, std::current_exception());
    }
}

// The same for a message: there is nobody to hear of what its handler throws.
asio::awaitable<void> serve_message(end_ptr end, service_ptr, const any_handler& handler,
                                    any_value message) {
    try {
        auto work = handler(any_access::make_message(std::move(message)));
        co_await std::move(work);
    } catch (const remote_error&) {
        end->dispatcher->not_delivered(0, true, std::current_exception());
    } catch (...) {
        end->dispatcher->failed(0, true, std::current_exception());
    }
}

class handler_of_any final : public request_handler {
public:
    explicit handler_of_any(any_handler handler)
        : request_handler(false), handler_(std::move(handler)) {}

    void serve(const end_ptr& end, const service_ptr& owner, const frame& f) const override {
        const bool one_way = f.header.kind == frame_kind::message;
        const auto id = f.header.id;
        const bool is_idempotent = (f.header.flags & frame_header::idempotent) != 0;
        auto& calls = *end->dispatcher;
        bool is_taken = false;
        try {
            any_value request = take(*end, f);
            is_taken = true;
            if (one_way)
                calls.start_message(end, serve_message(end, owner, handler_, std::move(request)));
            else
                calls.start(end, id,
                            serve_any(end, id, owner, handler_, std::move(request), is_idempotent),
                            {});
        } catch (...) {
            const auto why = std::current_exception();
            is_taken ? calls.failed(id, one_way, why) : calls.not_delivered(id, one_way, why);
        }
    }

private:
    static any_value take(pipe_end& end, const frame& f) {
        struct pop_guard {
            pipe_end& end;
            ~pop_guard() { end.pop_frame(); }
        } const guard{end};
        return any_access::value_of(end, f);
    }

    any_handler handler_;
};

}  // namespace

generator<any_value> items_of(stream<any_value> items) {
    for (;;) {
        any_value item;
        if (!call_access::take_item(items, item)) {
            auto next = co_await items.next();
            if (!next) break;
            item = std::move(*next);
        }
        co_yield item;
    }
}

void dispatcher::offer_upload(possible_upload& which) noexcept {
    worker* const mine = started_ != nullptr ? started_ : find(which.id);
    mine->streams.possible = &which;
}

void dispatcher::begin_upload(possible_upload& which) {
    if (which.has_begun) return;
    which.incoming = std::make_shared<incoming_stream>(end_.shared_from_this(), "upload", false);
    which.incoming->id = which.id;
    which.has_begun = true;
    if (shared_.state.is_over()) which.incoming->fail(shared_.state.gone_exception("upload"));
    find(which.id)->streams.upload = which.incoming;
}

possible_upload::~possible_upload() {
    if (call != nullptr) any_access::upload(*call) = nullptr;
}

generator<any_value> possible_upload::items() {
    return items_of(take());
}

stream<any_value> possible_upload::take() {
    end->dispatcher->begin_upload(*this);
    if (!incoming) return {};
    return call_access::make_stream<any_value>(std::move(incoming));
}

any_call any_access::make_message(any_value message) noexcept {
    any_call made(std::move(message));
    made.is_message_ = true;
    return made;
}

any_call any_access::make_call(possible_upload& upload, any_value request,
                               bool is_idempotent) noexcept {
    any_call made(std::move(request));
    made.is_idempotent_ = is_idempotent;
    made.upload_ = &upload;
    upload.call = &made;
    return made;
}

void dispatcher::begin_items(std::uint64_t id, std::shared_ptr<outgoing_stream> items) {
    worker* const found = find(id);
    items->credit = stream_credit(shared_.windows.first());
    items->stopped = found->is_cancelled || found->cancelled_at_end;
    found->streams.items = std::move(items);
}

}  // namespace detail

any_call::any_call(any_call&& other) noexcept
    : request_(std::move(other.request_)),
      is_message_(other.is_message_),
      is_idempotent_(other.is_idempotent_),
      upload_(std::exchange(other.upload_, nullptr)) {
    if (upload_ != nullptr) upload_->call = this;
}

any_call::~any_call() {
    if (upload_ != nullptr) upload_->call = nullptr;
}

stream<any_value> any_call::upload() {
    return upload_ == nullptr ? stream<any_value>() : upload_->take();
}

service& service::on_any(std::function<asio::awaitable<any_answer>(any_call)> handler) {
    table_ = detail::service_table::with_any(
        table_, std::make_shared<const detail::handler_of_any>(std::move(handler)));
    return *this;
}

}  // namespace remora
