// SPDX-License-Identifier: MIT
#include "nats/worker_core.hpp"

#include "call/any_access.hpp"
#include "call/call_failure.hpp"

#include <remora/service.hpp>

#include <exception>
#include <limits>
#include <new>
#include <utility>

namespace remora::nats {
namespace {

// Ends with the call, too.
generator<any_value> upload_of(std::shared_ptr<call_end> end) {
    for (;;) {
        const auto now = co_await end->next_unless_cancelled();
        if (!now || now->what.kind != message_kind::item) break;
        const any_value value = now->value();
        co_yield value;
    }
}

constexpr std::chrono::milliseconds look_again{5};

std::chrono::nanoseconds time_left(const message& request) {
    constexpr auto none = std::chrono::nanoseconds::max();
    const auto most = static_cast<std::uint64_t>(none.count());
    return request.number > most ? none : std::chrono::nanoseconds(request.number);
}

wire::call_failure failure_of(std::exception_ptr why) try {
    std::rethrow_exception(why);
} catch (const remote_error& e) {
    return detail::call_failures::passed(e);
} catch (...) {
    return detail::call_failures::of(why);
}

// The worker ends, unless its program wants to be told otherwise.
void throw_out(std::exception_ptr why) {
    std::rethrow_exception(why);
}

asio::awaitable<void> send_items(call_end& end, stream<any_value>& items) {
    while (const auto item = co_await items.next()) {
        end.introduce();
        co_await end.wait_room();
        end.send(message_kind::item, *item);
    }
}

}  // namespace

worker_core::worker_core(const asio::any_io_executor& executor, const remora::service& service,
                         const worker_options& options)
    : subject_("remora." + checked_name(options.service)),
      group_(options.service),
      most_at_work_(service.options().max_in_flight),
      link_(std::make_shared<link_of_calls>(executor, options.connection, options.lost_after,
                                            &throw_out)),
      introducing_(executor) {
    if (service.options().end_on_exception)
        remora::detail::throw_error(errc::bad_option,
                                    "NATS: a worker's service with end_on_exception");
    std::tie(near_, far_) = make_pipe_pair(executor, options.service);
    far_.attach(service);
}

void worker_core::open() {
    link_->open(false);
    requests_.emplace(link_->nats(), subject_, group_,
                      [this](received from) { on_request(std::move(from)); });
    link_->nats().flush();
    link_->nats().start();
}

void worker_core::stop() {
    requests_.reset();
    link_->close();
    near_ = {};
    idle_.notify_all();
}

asio::awaitable<void> worker_core::close(std::shared_ptr<worker_core> me) {
    me->stop();
    co_await me->wait_idle();
    co_await me->far_.finished();
}

asio::awaitable<void> worker_core::finish(std::shared_ptr<worker_core> me) {
    if (me->requests_) me->requests_->drain();
    while (me->requests_ && !me->requests_->is_drained())
        co_await me->wait_change(std::chrono::steady_clock::now() + look_again);
    co_await me->wait_idle();
    co_await close(me);
}

asio::awaitable<void> worker_core::wait_idle() {
    while (at_work_ != 0)
        co_await wait_change();
}

asio::awaitable<void> worker_core::wait_change(remora::detail::deadline until) {
    const bool is_notified = co_await idle_.wait(until);
    const bool is_late = std::chrono::steady_clock::now() >= until;
    if (!is_notified && !is_late) throw std::system_error(asio::error::operation_aborted);
}

// Without memory it is lost: the gateway gets no sign of life for it.
void worker_core::on_request(received from) try {
    const auto what = read(bytes_of(from));
    if (!what) return;
    if (what->kind == message_kind::message) return on_message(std::move(from), *what);
    auto peer = link_->nats().reply_subject(from);
    if (what->kind != message_kind::request || !peer.ends_with(nobody)) return;
    peer.resize(peer.size() - nobody.size());
    if (number_of(peer) == 0) return;
    if (at_work_ >= most_at_work_) return refuse(peer);
    const auto call = std::make_shared<serving>();
    call->end = std::make_shared<call_end>(link_, std::move(peer));
    call->bytes = std::move(from);
    call->request = *what;
    start(call);
    introduce_later(call);
} catch (const std::bad_alloc&) {
}

void worker_core::on_message(received from, const message& what) {
    if (at_work_ < most_at_work_)
        spawn(pass_message_on(std::move(from), what), asio::cancellation_slot());
}

void worker_core::refuse(const std::string& peer) {
    const wire::call_failure why(failure_kind::overloaded, errc::overloaded,
                                 "the worker has as many calls as it takes");
    byte_buffer bytes;
    encode(bytes, why);
    try {
        link_->send(peer, {.kind = message_kind::failure, .body = bytes.bytes()}, 0);
    } catch (const std::system_error&) {  // the gateway gets no sign of life for it
    }
}

// Most calls are answered before: then one message is enough.
void worker_core::introduce_later(const serving_ptr& call) {
    unknown_.push_back(call->end);
    if (unknown_.size() != 1) return;
    introducing_.expires_after(std::chrono::milliseconds(1));
    introducing_.async_wait([of = weak_from_this()](std::error_code) {
        if (const auto me = of.lock()) me->introduce_all();
    });
}

void worker_core::introduce_all() {
    for (const auto& which : std::exchange(unknown_, {})) {
        const auto end = which.lock();
        if (!end) continue;
        try {
            end->introduce();
        } catch (const std::system_error&) {  // the gateway will find out that nobody has the call
        }
    }
}

generator<any_value> worker_core::serving::items() {
    return upload_of(end);
}

void worker_core::start(const serving_ptr& call) {
    call->end->on_first_item = [of = std::weak_ptr(call)] {
        const auto call = of.lock();
        if (call && call->on_begin) std::exchange(call->on_begin, nullptr)();
    };
    call->end->on_over = [of = std::weak_ptr(call)] {
        if (const auto call = of.lock()) call->stop.cancel();
    };
    spawn(remora::detail::canceller::run(
              std::shared_ptr<remora::detail::canceller>(call, &call->stop), serve(call)),
          call->stop.slot());
}

void worker_core::spawn(asio::awaitable<void> work, asio::cancellation_slot stop) {
    asio::co_spawn(link_->executor(), std::move(work),
                   asio::bind_cancellation_slot(stop, [me = shared_from_this()](auto) {
                       --me->at_work_;
                       me->idle_.notify_all();
                   }));
    ++at_work_;
}

asio::awaitable<void> worker_core::serve(serving_ptr call) {
    try {
        co_await answer(call);
        co_return;
    } catch (...) {
        byte_buffer why;
        encode(why, failure_of(std::current_exception()));
        try {
            call->end->finish({.kind = message_kind::failure, .body = why.bytes()});
        } catch (const std::system_error&) {  // its destructor says that nobody waits
        }
    }
}

asio::awaitable<void> worker_core::answer(serving_ptr call) {
    call_end& end = *call->end;
    const any_value request(call->request.name, call->request.body);
    any_answer answered = co_await remora::detail::any_access::call(
        near_, request, *call, {.timeout = time_left(call->request)});
    if (const auto* const reply = answered.value())
        co_return end.finish(
            {.kind = message_kind::reply, .name = reply->type_name(), .body = reply->bytes()});
    if (auto* const items = answered.items()) co_await send_items(end, *items);
    end.finish({.kind = message_kind::done});
}

asio::awaitable<void> worker_core::pass_message_on(received, message what) {
    const any_value value(what.name, what.body);
    co_await near_.send(value);
}

}  // namespace remora::nats
