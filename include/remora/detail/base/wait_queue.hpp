// SPDX-License-Identifier: MIT
/// How coroutines wait until another one notifies them.
#pragma once

#include <remora/asio.hpp>

#include <chrono>
#include <cstddef>
#include <system_error>

namespace remora::detail {

using deadline = std::chrono::steady_clock::time_point;

/// Coroutines that wait, in the order in which they came: a condition variable for coroutines.
/// Belongs to one executor, and must outlive those who wait.
class wait_queue {
public:
    class waiter;

    wait_queue() = default;
    wait_queue(const wait_queue&) = delete;
    wait_queue& operator=(const wait_queue&) = delete;

    /// True if nobody is in the queue, neither notified nor not.
    bool empty() const noexcept { return first_ == nullptr && notified_ == 0; }
    /// True if somebody waits who was not notified.
    bool has_waiting() const noexcept { return first_ != nullptr; }
    /// How many were notified and have not gone on yet.
    std::size_t notified() const noexcept { return notified_; }

    /// Notifies the first that was not notified. False if there is none.
    bool notify_one() noexcept;
    void notify_all() noexcept;

    /// Waits until it is notified: then true. False if `until` has passed before, or the awaiting
    /// coroutine was cancelled.
    asio::awaitable<bool> wait(deadline until = deadline::max());

    /// Calls f(waiter) for each that was not notified, in order. `f` may notify it.
    template <class F>
    void for_each(F f);

private:
    waiter* first_ = nullptr;
    waiter** end_ = &first_;
    std::size_t notified_ = 0;
};

/// One that waits, in the frame of its coroutine. It is in the queue as long as it lives: after it
/// was notified, until the coroutine goes on and destroys it.
class wait_queue::waiter {
public:
    waiter(wait_queue& queue, const asio::any_io_executor& executor,
           deadline until = deadline::max());
    ~waiter();
    waiter(const waiter&) = delete;
    waiter& operator=(const waiter&) = delete;

    bool is_notified() const noexcept { return link_ == nullptr; }
    void notify() noexcept;
    /// Completes when it is notified, its time has passed, or the coroutine was cancelled. Throws
    /// nothing. Not after it was notified.
    asio::awaitable<void> wait();

private:
    friend class wait_queue;

    void unlink() noexcept;

    wait_queue& queue_;
    asio::steady_timer timer_;
    std::error_code ignored_;
    waiter* next_ = nullptr;
    waiter** link_;  ///< what refers to this one; null once it was notified
};

template <class F>
void wait_queue::for_each(F f) {
    for (waiter* next = first_; next != nullptr;) {
        waiter& now = *next;
        next = now.next_;
        f(now);
    }
}

}  // namespace remora::detail
