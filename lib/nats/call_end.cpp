// SPDX-License-Identifier: MIT
#include "nats/call_end.hpp"

#include "nats/link_of_calls.hpp"

#include <remora/call.hpp>

#include <utility>

namespace remora::nats {
namespace {

constexpr std::int64_t window = 256 << 10;

std::exception_ptr nonsense(const std::string& what) {
    return std::make_exception_ptr(remote_error(failure_kind::gone, errc::protocol_error,
                                                "NATS: the other end has sent " + what));
}

asio::awaitable<void> wait_in(remora::detail::wait_queue& queue) {
    const bool is_notified = co_await queue.wait();
    if (!is_notified) throw std::system_error(asio::error::operation_aborted);
}

// In bytes: what it takes to keep.
std::int64_t cost_of(const message& item) {
    return static_cast<std::int64_t>(header_size + item.name.size() + item.body.size());
}

bool is_last(message_kind kind) {
    return kind == message_kind::reply || kind == message_kind::done ||
           kind == message_kind::failure;
}

}  // namespace

call_end::call_end(std::shared_ptr<link_of_calls> link, std::string peer)
    : link_(std::move(link)),
      id_(link_->add(*this)),
      is_asked_(!peer.empty()),
      peer_(std::move(peer)),
      room_(window) {
}

call_end::~call_end() {
    if (!is_over_) link_->cancel(peer_);
    link_->remove(id_);
}

std::optional<arrival> call_end::take_first() {
    if (arrived_.empty()) return std::nullopt;
    std::optional<arrival> first = std::move(arrived_.front());
    arrived_.pop_front();
    if (first->what.kind == message_kind::item) give_back(first->what);
    return first;
}

asio::awaitable<arrival> call_end::next() {
    auto found = co_await next_unless_cancelled();
    if (!found) throw std::system_error(asio::error::operation_aborted);
    co_return std::move(*found);
}

asio::awaitable<std::optional<arrival>> call_end::next_unless_cancelled() {
    for (;;) {
        if (auto first = take_first()) co_return first;
        if (why_) std::rethrow_exception(why_);
        const bool is_notified = co_await arrives_.wait();
        if (!is_notified) co_return std::nullopt;
    }
}

asio::awaitable<void> call_end::wait_room() {
    while (peer_.empty() || room_ <= 0) {
        if (why_) std::rethrow_exception(why_);
        co_await wait_in(has_room_);
    }
}

void call_end::introduce() {
    if (!std::exchange(is_introduced_, true)) send({.kind = message_kind::introduction});
}

void call_end::send(message what) {
    if (is_over_) return;
    what.sequence = sent_;
    link_->send(peer_, what, what.kind == message_kind::introduction ? id_ : 0);
    ++sent_;
}

void call_end::send(message_kind kind, const any_value& value) {
    if (value.type_name().empty())
        remora::detail::throw_error(errc::bad_option, "NATS: a value whose type has no name");
    send({.kind = kind, .name = value.type_name(), .body = value.bytes()});
    if (kind == message_kind::item)
        room_ -= cost_of({.name = value.type_name(), .body = value.bytes()});
}

void call_end::finish(message what) {
    send(what);
    end();
}

void call_end::end() {
    is_over_ = true;
    link_->remove(id_);
}

void call_end::fail(std::exception_ptr why) {
    if (is_over_) return;
    link_->cancel(peer_);
    end(std::move(why));
}

void call_end::end(std::exception_ptr why) {
    end();
    why_ = std::move(why);
    arrives_.notify_all();
    has_room_.notify_all();
    if (on_over) on_over();
}

void call_end::on_message(received from, const message& what) {
    if (is_over_) return;
    last_seen = clock::now();
    if (what.kind != message_kind::cancel && what.sequence != seen_++)
        return fail(std::make_exception_ptr(
            remote_error(failure_kind::gone, errc::broken_pipe, "NATS: a message was lost")));
    const bool answers = what.kind == message_kind::introduction || is_last(what.kind);
    if (answers ? is_asked_ : what.kind == message_kind::end && !is_asked_)
        return fail(nonsense("what only this end may send"));
    switch (what.kind) {
        case message_kind::introduction:
            return on_introduction(from);
        case message_kind::credit:
            if (what.number > static_cast<std::uint64_t>(window - room_))
                return fail(nonsense("more credit than there is"));
            room_ += static_cast<std::int64_t>(what.number);
            has_room_.notify_all();
            return;
        case message_kind::cancel:
            return end(std::make_exception_ptr(
                remote_error(failure_kind::gone, errc::closed, "NATS: the other end is gone")));
        case message_kind::reply:
        case message_kind::done:
        case message_kind::failure:
        case message_kind::item:
        case message_kind::end:
            return keep(std::move(from), what);
        default:
            return fail(nonsense("what does not belong there"));
    }
}

void call_end::on_introduction(const received& from) {
    auto where = link_->nats().reply_subject(from);
    if (!peer_.empty() || where.empty()) return fail(nonsense("a second address, or none"));
    peer_ = std::move(where);
    has_room_.notify_all();
}

void call_end::keep(received from, const message& what) {
    if (has_all_items_) return fail(nonsense("more items after the last"));
    has_all_items_ = what.kind == message_kind::end;
    if (what.kind == message_kind::item) {
        if (unread_ > window) return fail(nonsense("more items than there is credit for"));
        unread_ += cost_of(what);
    }
    if (is_last(what.kind)) end();
    arrived_.push_back({std::move(from), what});
    if (on_first_item) return std::exchange(on_first_item, nullptr)();  // may destroy this
    arrives_.notify_all();
}

void call_end::give_back(const message& taken) {
    taken_ += static_cast<std::uint64_t>(cost_of(taken));
    if (taken_ < window / 2) return;
    unread_ -= static_cast<std::int64_t>(taken_);
    send({.kind = message_kind::credit, .number = std::exchange(taken_, 0)});
}

}  // namespace remora::nats
