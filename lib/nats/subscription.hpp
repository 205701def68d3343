// SPDX-License-Identifier: MIT
/// What arrives on a subject, and what libnats tells of requests that nobody gets.
#pragma once

#include "nats/connection.hpp"

#include <remora/asio.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace remora::nats {

/// The number after the last point of a subject; 0 if there is none.
std::uint64_t number_of(std::string_view subject);

/// The subject for the replies of a request: the inbox, the number, and this. On that one nobody
/// answers; the server of NATS tells there that it has found nobody.
inline constexpr std::string_view nobody = ".none";

/// Calls its function on the executor of the connection.
class subscription {
public:
    using function = std::function<void(received)>;

    /// `group`: of the queue; empty if there is none. Throws `refused`.
    subscription(connection& on, const std::string& subject, const std::string& group,
                 function take);
    /// Nothing is called any more.
    ~subscription();
    subscription(const subscription&) = delete;
    subscription& operator=(const subscription&) = delete;

    /// Gets no more from the server.
    void drain();
    /// After drain(): that the server has sent all, and it has arrived.
    bool is_drained() const;
    /// Gives what has come to the function, which may destroy this.
    void deliver();

private:
    struct queue;

    connection& on_;
    const std::shared_ptr<queue> queue_;
    bool is_over_ = false;  ///< it was to be drained, and has no server any more
};

/// Tells the numbers of the requests of an inbox that found no worker. libnats tells that only on
/// threads of its own.
class unserved_requests {
public:
    /// Throws `refused`.
    unserved_requests(const connection& on, const std::string& inbox,
                      const asio::any_io_executor& executor,
                      std::function<void(std::uint64_t)> tell);
    /// Nothing is called any more.
    ~unserved_requests();
    unserved_requests(const unserved_requests&) = delete;
    unserved_requests& operator=(const unserved_requests&) = delete;

private:
    struct teller;

    natsSubscription* nats_ = nullptr;
    std::shared_ptr<teller> teller_;
};

}  // namespace remora::nats
