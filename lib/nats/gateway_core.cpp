// SPDX-License-Identifier: MIT
#include "nats/gateway_core.hpp"

#include "call/any_access.hpp"
#include "call/call_failure.hpp"
#include "call/possible_upload.hpp"

#include <remora/any.hpp>
#include <remora/call.hpp>
#include <remora/detail/base/canceller.hpp>
#include <remora/detail/call/call_executor.hpp>

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

namespace remora::nats {

struct forwarded {
    std::shared_ptr<call_end> end;  ///< null once nobody waits
    bool is_idempotent = false;
    bool has_uploaded = false;
    remora::detail::canceller stop;  ///< of its upload
};

namespace {

constexpr int most_attempts = 5;

/// Held by who waits for the answer. When it goes, the upload is cancelled and the call dropped.
class forwarded_guard {
public:
    forwarded_guard() : of_(std::make_shared<forwarded>()) {}
    forwarded_guard(forwarded_guard&&) noexcept = default;
    forwarded_guard& operator=(forwarded_guard&&) = delete;
    ~forwarded_guard() {
        if (!of_) return;
        of_->stop.cancel();
        of_->end.reset();
    }
    const std::shared_ptr<forwarded>& operator->() const noexcept { return of_; }
    const std::shared_ptr<forwarded>& get() const noexcept { return of_; }

private:
    std::shared_ptr<forwarded> of_;
};

asio::awaitable<void> send_items(forwarded& of, stream<any_value>& items) {
    for (;;) {
        const auto item = co_await items.next();
        const auto end = of.end;
        if (!end) co_return;
        of.has_uploaded = true;
        std::exception_ptr why;
        try {
            co_await end->wait_room();
            if (!item) co_return end->send({.kind = message_kind::end});
            end->send(message_kind::item, *item);
        } catch (...) {
            why = std::current_exception();
        }
        if (why) co_return end->fail(why);
    }
}

// Throws nothing: where the upload has failed, so has the call from which it comes.
asio::awaitable<void> send_upload(std::shared_ptr<forwarded> of, stream<any_value> items) {
    try {
        co_await send_items(*of, items);
    } catch (const std::system_error&) {
    }
}

void start_upload(const asio::any_io_executor& executor, const std::shared_ptr<forwarded>& of,
                  stream<any_value> items) {
    auto stop = std::shared_ptr<remora::detail::canceller>(of, &of->stop);
    auto slot = stop->slot();
    asio::co_spawn(
        executor,
        remora::detail::canceller::run(std::move(stop), send_upload(of, std::move(items))),
        asio::bind_cancellation_slot(slot, asio::detached));
}

// Most calls have none, so it starts with its first item.
void expect_upload(const asio::any_io_executor& executor, const forwarded_guard& of,
                   any_call& from) {
    remora::detail::possible_upload* const upload = remora::detail::any_access::upload(from);
    if (upload == nullptr) return;
    upload->on_begin = [executor, weak = std::weak_ptr(of.get()), upload] {
        if (const auto of = weak.lock()) start_upload(executor, of, upload->take());
    };
    if (upload->incoming) std::exchange(upload->on_begin, nullptr)();
}

remote_error failure_in(const message& what) try {
    return detail::call_failures::to_error(decode<wire::call_failure>(what.body), "NATS");
} catch (const std::system_error&) {
    return {failure_kind::gone, errc::protocol_error, "NATS: a failure that is none"};
}

generator<any_value> items_of(forwarded_guard of, arrival first) {
    arrival now = std::move(first);
    while (now.what.kind == message_kind::item) {
        const any_value value = now.value();
        co_yield value;
        now = co_await of->end->next();
    }
    if (now.what.kind == message_kind::failure) throw failure_in(now.what);
    if (now.what.kind != message_kind::done)
        throw remote_error(failure_kind::gone, errc::protocol_error, "NATS: a reply after items");
}

// Takes it only for items: without them the call may be tried again.
any_answer answer_of(forwarded_guard& of, arrival first) {
    switch (first.what.kind) {
        case message_kind::reply:
            return any_answer(first.value());
        case message_kind::failure:
            throw failure_in(first.what);
        case message_kind::item:
            return any_answer(items_of(std::move(of), std::move(first)));
        case message_kind::done:
            return {};
        default:
            throw remote_error(failure_kind::gone, errc::protocol_error, "NATS: no answer");
    }
}

}  // namespace

gateway_core::gateway_core(const asio::any_io_executor& executor, const gateway_options& options)
    : subject_("remora." + checked_name(options.service)),
      idempotent_(options.idempotent),
      link_(std::make_shared<link_of_calls>(executor, options.connection, options.lost_after,
                                            nullptr)) {
    link_->open(true);
    link_->nats().start();
}

// All that it throws is a failure of this call alone.
asio::awaitable<any_answer> gateway_core::pass_on(any_call call) {
    try {
        check_executor(co_await asio::this_coro::executor);
        co_return co_await forward(std::move(call));
    } catch (const remote_error&) {
        throw;
    } catch (const remora::error& e) {
        throw remote_error(failure_kind::failed, e.code(), e.context());
    }
}

// What runs elsewhere at the same time must not meet the link.
void gateway_core::check_executor(const asio::any_io_executor& executor) const {
    const auto* const call = remora::detail::call_context_of(executor);
    if (call != nullptr) return check_executor(call->executor);
    if (executor != link_->executor())
        remora::detail::throw_error(errc::bad_option,
                                    "NATS: a pipe with another executor than its gateway's");
}

asio::awaitable<any_answer> gateway_core::forward(any_call call) {
    const any_value& request = call.request();
    if (call.is_message()) {
        send(message_kind::message, 0, request, 0);
        co_return any_answer();
    }
    auto served = co_await this_call();
    forwarded_guard of;
    of->is_idempotent = call.is_idempotent();
    expect_upload(link_->executor(), of, call);
    for (int attempt = 1;; ++attempt) {
        std::optional<arrival> first;
        try {
            ask(*of.get(), request, served);
            first = co_await of->end->next();
        } catch (const remote_error& e) {
            if (attempt == most_attempts || !may_retry(e, *of.get(), request)) throw;
        }
        if (first) co_return answer_of(of, std::move(*first));
    }
}

void gateway_core::ask(forwarded& of, const any_value& request, const served_call& served) {
    const bool has_limit = served.deadline() != served_call::clock::time_point::max();
    const auto left = has_limit ? std::max<std::int64_t>(served.time_left().count(), 0) : -1;
    of.end = std::make_shared<call_end>(link_, "");
    send(message_kind::request, static_cast<std::uint64_t>(left), request, of.end->id());
}

void gateway_core::send(message_kind kind, std::uint64_t number, const any_value& value,
                        std::uint64_t id) {
    if (value.type_name().empty())
        remora::detail::throw_error(errc::bad_option, "NATS: a request whose type has no name");
    link_->send(subject_,
                {.kind = kind, .number = number, .name = value.type_name(), .body = value.bytes()},
                id);
}

bool gateway_core::may_retry(const remote_error& why, const forwarded& of,
                             const any_value& request) const {
    return why.kind() == failure_kind::gone && why.code() != errc::protocol_error &&
           !of.has_uploaded && link_->is_usable() &&
           (of.is_idempotent || std::ranges::count(idempotent_, request.type_name()) != 0);
}

}  // namespace remora::nats
