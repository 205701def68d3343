// SPDX-License-Identifier: MIT
/// Waits of many descriptors at once.
#pragma once

#include <remora/asio.hpp>

#include <memory>
#include <optional>
#include <vector>

namespace remora::detail {

class readable_set;

/// A descriptor whose owner waits, at times, until it is readable. It stays the owner's.
class watched_descriptor {
public:
    watched_descriptor(const asio::any_io_executor& executor, int fd);
    ~watched_descriptor();
    watched_descriptor(const watched_descriptor&) = delete;
    watched_descriptor& operator=(const watched_descriptor&) = delete;

    /// False if it is better to wait for the descriptor alone: there are few others, or somebody
    /// waits here.
    bool can_wait() const noexcept;
    /// Completes when something has come, or its writers have gone, since the descriptor was found
    /// empty; sometimes too early. Only after `can_wait()`, on the executor. Where it is cancelled,
    /// it completes as well.
    asio::awaitable<void> wait();
    /// Ends the wait.
    void cancel() noexcept;
    /// Before the owner reads: what it finds is no news to the next wait.
    void clear_news() noexcept { has_news_ = false; }
    /// True if its writers have gone. That is told once, perhaps together with the last bytes: who
    /// reads them has to read again before it waits.
    bool has_hung_up() const noexcept { return has_hung_up_; }
    /// Forgets the descriptor, before it is closed.
    void close() noexcept;

private:
    friend class readable_set;
    /// The rest of the coroutine that waits.
    using handler = asio::async_result<asio::use_awaitable_t<>, void()>::handler_type;

    void begin_wait(handler h);

    std::shared_ptr<readable_set> set_;  ///< null once it is closed
    int fd_;
    std::size_t index_ = 0;     ///< among those of the set
    bool is_in_epoll_ = false;  ///< the kernel tells the set of it
    bool has_hung_up_ = false;
    bool has_news_ = false;  ///< something has come, and nobody waited
    std::optional<handler> handler_;
};

/// The watched descriptors of one executor, in one edge-triggered epoll set. Asio waits for the set
/// as long as anybody waits for one of them: a wait makes no system call of its own, where Asio's
/// for a single descriptor makes one. Belongs to its executor.
class readable_set : public std::enable_shared_from_this<readable_set> {
public:
    /// The one for `executor`.
    static std::shared_ptr<readable_set> of(const asio::any_io_executor& executor);

    explicit readable_set(const asio::any_io_executor& executor) : epoll_(executor) {}

    asio::any_io_executor executor() { return epoll_.get_executor(); }

private:
    friend class watched_descriptor;
    class registry;
    using handler = watched_descriptor::handler;

    void add(watched_descriptor& descriptor);
    void remove(watched_descriptor& descriptor) noexcept;
    void open();
    void watch(watched_descriptor& descriptor) noexcept;
    void wait_for_news();
    void take_news() noexcept;
    void end(watched_descriptor& descriptor) noexcept;
    void go_on();
    void resume();
    void drop(std::vector<handler>& all);

    asio::posix::stream_descriptor epoll_;  ///< open once there are enough descriptors
    std::vector<watched_descriptor*> all_;
    std::size_t waits_ = 0;       ///< descriptors that are waited for
    std::vector<handler> ended_;  ///< waits to be resumed
    bool waits_for_news_ = false;
};

}  // namespace remora::detail
