// SPDX-License-Identifier: MIT
/// One end of a call that goes through NATS: in the gateway, or in the worker.
#pragma once

#include "nats/connection.hpp"
#include "nats/message.hpp"

#include <remora/any.hpp>
#include <remora/detail/base/wait_queue.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace remora::nats {

class link_of_calls;

/// A message of the other end that a coroutine of this one awaits.
struct arrival {
    received bytes;  ///< to which the message refers
    message what;

    any_value value() const { return any_value(what.name, what.body); }
};

/// Counts messages and credit, and keeps what has arrived until it is taken. Belongs to the
/// executor of its link. One coroutine may await next(), and another one wait_room(). Its members
/// are the counts of both directions.
class call_end {
public:
    using clock = std::chrono::steady_clock;

    /// `peer`: the subject of the end that has asked; empty: this one asks.
    call_end(std::shared_ptr<link_of_calls> link, std::string peer);
    /// If the call is not over the other end is told that nobody waits any more.
    ~call_end();
    call_end(const call_end&) = delete;
    call_end& operator=(const call_end&) = delete;

    std::uint64_t id() const noexcept { return id_; }
    const std::string& peer() const noexcept { return peer_; }

    /// The next reply, item, or end. Throws what the call has failed with, after what came before.
    asio::awaitable<arrival> next();
    /// The same; nothing, and no exception, when the one who waits is cancelled.
    asio::awaitable<std::optional<arrival>> next_unless_cancelled();
    /// True if next() has something to take.
    bool has_arrived() const noexcept { return !arrived_.empty(); }
    /// Until the other end is known and takes an item. Throws what the call has failed with.
    asio::awaitable<void> wait_room();

    /// Tells the other end, once, where this one is.
    void introduce();
    void send(message what);
    void send(message_kind kind, const any_value& value);
    /// The last one that is sent.
    void finish(message what);

    void on_message(received from, const message& what);
    /// The call is over, for a reason of this side's. The other end is told, if that is known.
    void fail(std::exception_ptr why);
    /// Called once, when the first item has come, or the end of the items.
    std::function<void()> on_first_item;
    /// Called when the call is over by what has come, or by fail().
    std::function<void()> on_over;
    clock::time_point last_seen = clock::now();  ///< when there was a sign of life of the other end

private:
    std::optional<arrival> take_first();
    void on_introduction(const received& from);
    void keep(received from, const message& what);
    void give_back(const message& taken);
    void end();
    void end(std::exception_ptr why);

    const std::shared_ptr<link_of_calls> link_;
    const std::uint64_t id_;
    const bool is_asked_;  ///< the worker's end
    std::string peer_;
    std::uint32_t sent_ = 0, seen_ = 0;  ///< sequences
    std::int64_t room_;                  ///< bytes of items that may be sent; below 0 by the last
    std::int64_t unread_ = 0;            ///< bytes of items that were not given back
    std::uint64_t taken_ = 0;            ///< of these, taken
    std::deque<arrival> arrived_;
    remora::detail::wait_queue arrives_, has_room_;
    std::exception_ptr why_;
    bool is_introduced_ = false, has_all_items_ = false, is_over_ = false;
};

}  // namespace remora::nats
