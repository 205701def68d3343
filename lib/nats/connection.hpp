// SPDX-License-Identifier: MIT
/// A connection to NATS, and what is sent on it.
#pragma once

#include "nats/event_loop.hpp"

#include <remora/asio.hpp>
#include <remora/nats.hpp>

#include <nats/nats.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace remora::nats {

/// Messages of one connection. libnats frees each on a thread of its own, and to wake that for each
/// would cost more than all else here does for it: so some are kept, and go together.
class messages_to_destroy {
public:
    messages_to_destroy() = default;
    ~messages_to_destroy() { destroy_all(); }
    messages_to_destroy(const messages_to_destroy&) = delete;
    messages_to_destroy& operator=(const messages_to_destroy&) = delete;

    void add(natsMsg* m) noexcept;

private:
    void destroy_all() noexcept;

    std::array<natsMsg*, 64> messages_{};
    std::size_t count_ = 0;
    int bytes_ = 0;
};

struct message_destroyer {
    std::shared_ptr<messages_to_destroy> with = nullptr;  ///< null: it goes alone

    void operator()(natsMsg* m) const noexcept {
        if (with) return with->add(m);
        natsMsg_Destroy(m);
    }
};
/// A message as libnats has it, to be kept as long as what was read from it.
using received = std::unique_ptr<natsMsg, message_destroyer>;

std::span<const std::byte> bytes_of(const received& from);

class subscription;

/// Belongs to its executor. Closed by its destructor, which may wait for two seconds.
class connection {
public:
    /// Blocks until it is connected. Throws `refused` with what libnats says. When libnats closes
    /// it for good, `on_closed` is called with the reason.
    /// Who blocks the executor for less than `lost_after` does not lose the connection by it.
    connection(const asio::any_io_executor& executor, const connection_options& options,
               std::chrono::milliseconds lost_after,
               std::function<void(const std::string&)> on_closed);
    ~connection();
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;

    /// Blocks until the server has taken what was sent and subscribed to. Throws `refused`. Not
    /// after start().
    void flush();
    /// Subscriptions get messages from now on.
    void start();
    bool is_connected() const noexcept { return loop_->is_attached(); }
    /// A subject that nobody else has.
    std::string make_inbox() const;
    /// Where replies go, if that is the inbox of somebody; otherwise empty.
    std::string reply_subject(const received& from) const;
    /// `reply_to` may be empty. Throws what a call fails with, as `gone`. What is not `urgent`
    /// waits for the end of a break of the connection.
    void publish(const std::string& subject, const std::string& reply_to,
                 std::span<const std::byte> bytes, bool is_urgent);
    natsConnection* get() const noexcept { return nats_.get(); }
    /// What its messages are destroyed with, on its executor.
    const std::shared_ptr<messages_to_destroy>& destroys_with() const noexcept {
        return to_destroy_;
    }

private:
    friend class subscription;

    /// What libnats tells when it has closed.
    struct closing;
    /// What was not sent while there was no connection.
    struct unsent {
        std::string subject, reply_to;
        std::vector<std::byte> bytes;
    };
    struct destroyer {
        void operator()(natsConnection* c) const noexcept { natsConnection_Destroy(c); }
    };

    void on_read();
    void on_attached();
    void check_sendable(std::size_t size) const;
    void hold(unsent what);

    const std::string prefix_;
    const std::shared_ptr<closing> closing_;
    const std::shared_ptr<event_loop> loop_;
    const std::shared_ptr<messages_to_destroy> to_destroy_ =
        std::make_shared<messages_to_destroy>();
    std::unique_ptr<natsConnection, destroyer> nats_;
    std::vector<subscription*> subscriptions_;
    std::vector<unsent> unsent_;
    std::size_t unsent_bytes_ = 0;
    std::int64_t max_payload_ = 0;
};

}  // namespace remora::nats
