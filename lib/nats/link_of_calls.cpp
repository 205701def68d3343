// SPDX-License-Identifier: MIT
#include "nats/link_of_calls.hpp"

#include <remora/call.hpp>

#include <algorithm>
#include <map>
#include <new>
#include <string_view>
#include <utility>

namespace remora::nats {
namespace {

using namespace std::chrono_literals;

constexpr auto beat_time = 250ms;

}  // namespace

const std::string& checked_name(const std::string& service) {
    const bool is_fine = std::ranges::all_of(service, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_';
    });
    if (!is_fine || service.empty() || service.size() > 200)
        remora::detail::throw_error(errc::bad_name, "NATS: a service named " + quote(service));
    return service;
}

link_of_calls::link_of_calls(asio::any_io_executor executor, const connection_options& options,
                             std::chrono::milliseconds lost_after,
                             std::function<void(std::exception_ptr)> on_closed)
    : executor_(std::move(executor)),
      lost_after_(lost_after),
      tell_closed_(options.on_closed ? options.on_closed : std::move(on_closed)),
      timer_(executor_) {
    if (lost_after < 2 * beat_time)
        remora::detail::throw_error(errc::bad_option, "NATS: lost_after is less than 500 ms");
    nats_ = std::make_unique<connection>(executor_, options, lost_after_,
                                         [this](const std::string& why) { this->on_closed(why); });
    inbox_ = nats_->make_inbox();
}

void link_of_calls::open(bool asks) {
    arriving_.emplace(*nats_, inbox_ + ".*", "",
                      [this](received from) { on_message(std::move(from)); });
    if (asks)
        unserved_.emplace(*nats_, inbox_, executor_, [this](std::uint64_t id) { on_unserved(id); });
}

void link_of_calls::close() {
    fail_all("NATS: closed");
    unserved_.reset();
    arriving_.reset();
    nats_.reset();
    timer_.cancel();
}

std::uint64_t link_of_calls::add(call_end& call) {
    calls_.emplace(++last_id_, &call);
    if (!std::exchange(is_watching_, true))
        asio::co_spawn(
            executor_, [me = shared_from_this()] { return me->watch(); }, asio::detached);
    return last_id_;
}

void link_of_calls::send(const std::string& subject, const message& what, std::uint64_t from) {
    if (!nats_) throw remote_error(failure_kind::gone, errc::closed, "NATS: closed");
    write(buffer_, what);
    std::string reply_to;
    if (from != 0) reply_to = inbox_ + '.' + std::to_string(from);
    if (what.kind == message_kind::request) reply_to += nobody;
    const bool is_urgent = what.kind == message_kind::request ||
                           what.kind == message_kind::message || what.kind == message_kind::beat;
    nats_->publish(subject, reply_to, buffer_, is_urgent);
}

void link_of_calls::cancel(const std::string& subject) noexcept try {
    if (nats_ && !subject.empty()) send(subject, {.kind = message_kind::cancel}, 0);
} catch (const std::exception&) {  // the other end finds out by itself
}

void link_of_calls::on_message(received from) {
    const std::uint64_t id = number_of(natsMsg_GetSubject(from.get()));
    const auto what = read(bytes_of(from));
    if (what && id == 0 && what->kind == message_kind::beat) return on_beat(*what);
    const auto found = calls_.find(id);
    if (found == calls_.end()) return cancel(nats_->reply_subject(from));
    give(*found->second, std::move(from), what ? &*what : nullptr);
}

// Without memory the message is lost, and so is its call.
void link_of_calls::give(call_end& to, received from, const message* what) try {
    if (what != nullptr) return to.on_message(std::move(from), *what);
    to.fail(std::make_exception_ptr(remote_error(failure_kind::gone, errc::protocol_error,
                                                 "NATS: the other end has sent garbage")));
} catch (const std::bad_alloc&) {
    to.fail(std::current_exception());
}

void link_of_calls::on_unserved(std::uint64_t id) {
    if (const auto found = calls_.find(id); found != calls_.end())
        found->second->fail(std::make_exception_ptr(remote_error(
            failure_kind::overloaded, errc::no_such_pipe, "NATS: there is no worker")));
}

void link_of_calls::on_closed(const std::string& why) {
    const auto me = shared_from_this();
    fail_all("NATS: " + why);
    if (tell_closed_) tell_closed_(std::make_exception_ptr(error(errc::refused, "NATS: " + why)));
}

void link_of_calls::on_beat(const message& beat) {
    for (const auto id : numbers_of(beat))
        if (const auto found = calls_.find(id); found != calls_.end())
            found->second->last_seen = clock::now();
}

asio::awaitable<void> link_of_calls::watch() {
    while (nats_ && !calls_.empty()) {
        const auto due = clock::now() + beat_time;
        timer_.expires_at(due);
        std::error_code ec;
        co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, ec));
        if (!nats_) break;
        if (const auto late = clock::now() - due; late > beat_time / 2) forgive(late);
        try {
            fail_lost();
            send_beats();
        } catch (const std::bad_alloc&) {  // the next time
        }
    }
    is_watching_ = false;
}

// This process was stopped or busy: what has come meanwhile was not looked at yet.
void link_of_calls::forgive(clock::duration stalled) {
    for (const auto& [id, call] : calls_)
        call->last_seen += stalled;
}

void link_of_calls::fail_lost() {
    std::vector<std::uint64_t> lost;
    for (const auto& [id, call] : calls_)
        if (clock::now() - call->last_seen > lost_after_) lost.push_back(id);
    fail(lost, "NATS: no sign of life from the other end");
}

void link_of_calls::send_beats() {
    std::map<std::string_view, std::vector<std::uint64_t>> by_peer;
    for (const auto& [id, call] : calls_) {
        const std::string_view subject = call->peer();
        if (!subject.empty())
            by_peer[subject.substr(0, subject.rfind('.'))].push_back(number_of(subject));
    }
    for (const auto& [peer, numbers] : by_peer) {
        const auto body = to_body(numbers);
        try {
            send(std::string(peer) + ".0", {.kind = message_kind::beat, .body = body}, 0);
        } catch (const std::system_error&) {  // the other end gets the next one, or gives up
        }
    }
}

// A call that fails may end others.
void link_of_calls::fail(const std::vector<std::uint64_t>& which, const std::string& why) {
    for (const auto id : which)
        if (const auto found = calls_.find(id); found != calls_.end())
            found->second->fail(
                std::make_exception_ptr(remote_error(failure_kind::gone, errc::broken_pipe, why)));
}

void link_of_calls::fail_all(const std::string& why) {
    std::vector<std::uint64_t> all;
    for (const auto& [id, call] : calls_)
        all.push_back(id);
    fail(all, why);
}

}  // namespace remora::nats
