// SPDX-License-Identifier: MIT
/// Lets a connection of libnats read and write on an executor, instead of on threads of its own.
#pragma once

#include "nats/tls_gate.hpp"

#include <remora/asio.hpp>

#include <nats/nats.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>

namespace remora::nats {

/// The socket of one connection, which libnats replaces when it connects again. libnats calls what
/// is static, on any thread, with its own mutex locked. All else belongs to the executor.
class event_loop : public std::enable_shared_from_this<event_loop> {
public:
    using clock = std::chrono::steady_clock;

    explicit event_loop(asio::any_io_executor executor);
    ~event_loop();
    event_loop(const event_loop&) = delete;
    event_loop& operator=(const event_loop&) = delete;

    /// Before it connects. It must not be used by libnats any more when this is destroyed.
    void put_into(natsOptions* options);
    /// Reads and writes on this thread until `is_done` returns true. False if time has passed. For
    /// before start() and after stop().
    bool run(natsConnection* of, std::chrono::milliseconds patience,
             const std::function<bool()>& is_done);
    /// Reads and writes from now on. `on_read` is called when something may have come, and
    /// `on_attached` with each socket.
    void start(natsConnection* of, std::function<void()> on_read,
               std::function<void()> on_attached);
    /// Calls nothing any more.
    void stop();
    /// Gives up the socket. After libnats has closed the connection.
    void close() noexcept;
    /// After the connection is destroyed: blocks until libnats uses this no more, on a thread of
    /// its own which is about to end.
    void wait_detached() const noexcept;

    bool is_started() const noexcept { return is_started_; }
    bool is_attached() const noexcept { return has_socket_; }
    bool wants_write() const noexcept { return wants_write_; }
    /// For how long the server has taken nothing of what waits to be sent.
    clock::duration stalled() const noexcept;
    /// Does what could not be done before, for want of memory.
    void tend();

private:
    static natsStatus attach(void** me, void* loop, natsConnection*, natsSock socket);
    static natsStatus on_poll_read(void* me, bool add);
    static natsStatus on_poll_write(void* me, bool add);
    static natsStatus detach(void* me);

    void schedule_adopt();
    void schedule_write() noexcept;
    int attached() noexcept;
    int take_attached() noexcept;
    /// On the executor: the new socket in place of the old one.
    void adopt();
    void wait_readable() noexcept;
    void read();
    void write();
    void wait_writable() noexcept;

    const asio::any_io_executor executor_;
    std::mutex mutex_;   ///< of to_adopt_
    int to_adopt_ = -1;  ///< a new socket of libnats; -1 if there is none
    std::atomic<bool> is_started_{false}, has_socket_{false}, is_detached_{true};
    std::atomic<bool> wants_write_{false}, is_write_scheduled_{false};
    natsConnection* nats_ = nullptr;  ///< null when stopped
    std::function<void()> on_read_, on_attached_;
    asio::posix::stream_descriptor socket_;  ///< a duplicate: libnats closes its own at any time
    tls_gate gate_;
    unsigned socket_number_ = 0;  ///< of the present one
    bool is_reading_ = false;
    clock::time_point stalled_since_ = clock::time_point::max();
};

}  // namespace remora::nats
