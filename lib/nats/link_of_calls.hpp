// SPDX-License-Identifier: MIT
/// What the calls of a gateway, or of a worker, share: the connection, the inbox, signs of life.
#pragma once

#include "nats/call_end.hpp"
#include "nats/connection.hpp"
#include "nats/subscription.hpp"

#include <remora/asio.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace remora::nats {

/// Checks the name of a service: `bad_name`.
const std::string& checked_name(const std::string& service);

/// Belongs to its executor.
class link_of_calls : public std::enable_shared_from_this<link_of_calls> {
public:
    using clock = call_end::clock;

    /// `on_closed`: where the options have none.
    link_of_calls(asio::any_io_executor executor, const connection_options& options,
                  std::chrono::milliseconds lost_after,
                  std::function<void(std::exception_ptr)> on_closed);
    /// Begins to listen. `asks`: as a gateway, which is told of requests that found no worker, too.
    void open(bool asks);
    /// Every call fails as `gone`. Nothing is sent or called afterwards.
    void close();

    const asio::any_io_executor& executor() const noexcept { return executor_; }
    connection& nats() { return *nats_; }
    bool is_usable() const { return nats_ && nats_->is_connected(); }

    std::uint64_t add(call_end& call);
    void remove(std::uint64_t id) { calls_.erase(id); }
    /// `from`: the call that gets the replies; 0: none. Throws as connection::publish() does.
    void send(const std::string& subject, const message& what, std::uint64_t from);
    /// Tells the other end that nobody waits. Throws nothing; `subject` may be empty.
    void cancel(const std::string& subject) noexcept;

private:
    using calls = std::unordered_map<std::uint64_t, call_end*>;

    void on_message(received from);
    void give(call_end& to, received from, const message* what);
    void on_unserved(std::uint64_t id);
    void on_closed(const std::string& why);
    void on_beat(const message& beat);
    asio::awaitable<void> watch();
    /// This side was stalled for so long: the other ones are given that time, too.
    void forgive(clock::duration stalled);
    void fail_lost();
    void send_beats();
    void fail(const std::vector<std::uint64_t>& which, const std::string& why);
    void fail_all(const std::string& why);

    const asio::any_io_executor executor_;
    const std::chrono::milliseconds lost_after_;
    const std::function<void(std::exception_ptr)> tell_closed_;
    std::unique_ptr<connection> nats_;
    std::string inbox_;
    std::optional<subscription> arriving_;
    std::optional<unserved_requests> unserved_;
    calls calls_;
    std::uint64_t last_id_ = 0;
    std::vector<std::byte> buffer_;
    asio::steady_timer timer_;
    bool is_watching_ = false;
};

}  // namespace remora::nats
