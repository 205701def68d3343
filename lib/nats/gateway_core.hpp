// SPDX-License-Identifier: MIT
/// What a gateway has. Its services keep it.
#pragma once

#include "nats/link_of_calls.hpp"

#include <remora/any.hpp>
#include <remora/call.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace remora::nats {

/// A call that is passed on, to one worker after the other if need be.
struct forwarded;

class gateway_core {
public:
    gateway_core(const asio::any_io_executor& executor, const gateway_options& options);
    ~gateway_core() { close(); }
    gateway_core(const gateway_core&) = delete;
    gateway_core& operator=(const gateway_core&) = delete;

    /// Its calls fail, and so do later ones.
    void close() { link_->close(); }
    /// The handler of all requests and messages.
    asio::awaitable<any_answer> pass_on(any_call call);

private:
    void check_executor(const asio::any_io_executor& executor) const;
    asio::awaitable<any_answer> forward(any_call call);
    void ask(forwarded& of, const any_value& request, const served_call& served);
    void send(message_kind kind, std::uint64_t number, const any_value& value, std::uint64_t id);
    bool may_retry(const remote_error& why, const forwarded& of, const any_value& request) const;

    const std::string subject_;
    const std::vector<std::string> idempotent_;
    const std::shared_ptr<link_of_calls> link_;
};

}  // namespace remora::nats
