// SPDX-License-Identifier: MIT
/// Busy polling of all waits of one executor, before they sleep.
#pragma once

#include <remora/asio.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace remora::detail {

/// Yields the CPU, unless that has cost this thread too much lately.
void yield_cpu() noexcept;

/// Between two polls of memory that another CPU writes.
inline void relax() noexcept {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

class busy_poller;

/// How a polled wait has ended.
enum class wait_outcome {
    ready,        ///< what it polls for has come
    timed_out,    ///< nothing has, in its time
    replaced,     ///< others are polled instead
    interrupted,  ///< interrupt() was called: the coroutine has to check its state
};

/// One wait that is polled. Used again and again, by one coroutine at a time.
class poll_entry {
public:
    /// `poll` is true once the wait is over. `needs_syscall`: it makes a system call; of such
    /// entries of an executor only the newest is polled.
    poll_entry(std::function<bool()> poll, bool needs_syscall)
        : poll_(std::move(poll)), needs_syscall_(needs_syscall) {}

    bool needs_syscall() const noexcept { return needs_syscall_; }
    bool is_polled() const noexcept { return polled_; }
    bool poll() { return poll_(); }
    /// Ends the wait: the waiting coroutine has to check its state.
    void interrupt() noexcept;
    /// How it has ended. An interruption counts, whenever it came.
    wait_outcome outcome() const noexcept {
        return interrupted_ ? wait_outcome::interrupted : outcome_;
    }
    /// True if the thread has lost its CPU while it polled, and this wait is the one to pay for it.
    bool has_lost_cpu() const noexcept { return lost_cpu_; }
    /// If it is ready: for how long it could not be looked at before, as others had the thread.
    std::chrono::nanoseconds waited() const noexcept { return waited_; }
    /// Completes when the polling is over; to be awaited within a `poll_guard`, by a coroutine on
    /// the poller's executor.
    asio::awaitable<void> wait();

private:
    friend class busy_poller;
    friend class poll_guard;
    using clock = std::chrono::steady_clock;
    /// The rest of the coroutine that waits.
    using handler = asio::async_result<asio::use_awaitable_t<>, void()>::handler_type;

    std::function<bool()> poll_;
    bool needs_syscall_;
    busy_poller* poller_ = nullptr;
    std::size_t index_ = 0;           ///< among the entries of the poller, if it is polled
    std::optional<handler> handler_;  ///< it is polled then, or about to be resumed
    clock::time_point until_{};
    clock::time_point until_at_most_{};  ///< as long as others are ready
    clock::time_point since_{};
    std::chrono::nanoseconds waited_{};
    wait_outcome outcome_ = wait_outcome::timed_out;
    bool guarded_ = false;
    bool polled_ = false;
    bool interrupted_ = false;
    bool lost_cpu_ = false;
};

/// Polls for all that wait on one executor, in slices of about 1 µs, or a few looks if somebody
/// could go on, with a trip through the scheduler between two of them: whatever else is ready runs
/// meanwhile. In a context, only the poller that was asked last goes on; the others' waits are sent
/// to sleep. Belongs to its executor.
class busy_poller : public std::enable_shared_from_this<busy_poller> {
public:
    using clock = std::chrono::steady_clock;

    /// The one for `executor`.
    static std::shared_ptr<busy_poller> of(const asio::any_io_executor& executor);

    explicit busy_poller(asio::any_io_executor executor);
    ~busy_poller();

    /// True if polling makes sense here: with one CPU it only keeps the other side from running.
    bool can_poll() const noexcept { return cpus_ > 1; }
    const asio::any_io_executor& executor() const noexcept { return executor_; }
    /// A wait that was not polled has ended: there is work, and others may have to wait for it.
    void note_work() noexcept { last_ready_ = now_ = clock::now(); }
    bool has_no_entries() const noexcept { return entries_.empty(); }
    /// So many want the thread: they poll, or have left it for a moment. Those who are resumed next
    /// do not count: turns were shorter then, and medians up to twice as long.
    std::size_t waiting() const noexcept { return entries_.size() + yielding_; }
    /// So many of these have left it.
    std::size_t yielded() const noexcept { return yielding_; }
    /// What time it was when it last looked at the clock.
    clock::time_point now() const noexcept { return now_; }

private:
    friend class poll_entry;
    friend class poll_guard;
    friend class yielding;
    class registry;
    using handler = poll_entry::handler;

    void add(poll_entry& entry, std::chrono::nanoseconds limit);
    void remove(poll_entry& entry) noexcept;
    void end(poll_entry& entry, wait_outcome outcome) noexcept;
    void schedule_slice();
    void slice();
    bool poll_all();
    void note_lost_cpu() noexcept;
    void end_late_ones();
    void resume_ended();
    void drop(std::vector<handler>& all);

    asio::any_io_executor executor_;
    registry& registry_;
    std::vector<poll_entry*> entries_;
    std::vector<poll_entry*> ended_;  ///< to be resumed, by a slice
    bool scheduled_ = false;          ///< a slice is on its way
    std::size_t yielding_ = 0;        ///< those who could go on at once
    clock::time_point last_ready_{};
    clock::time_point now_{};
    clock::time_point slice_begin_{};
    clock::time_point last_look_{};  ///< of the slice before
    unsigned cpus_;
};

/// Polls an entry as long as it lives: until it is ready, or `limit` has passed. It is no coroutine
/// of its own, whose frame would have to be allocated for each wait.
class poll_guard {
public:
    poll_guard(busy_poller& poller, poll_entry& entry, std::chrono::nanoseconds limit)
        : poller_(poller), entry_(entry) {
        poller.add(entry, limit);
    }
    ~poll_guard() {
        entry_.guarded_ = false;
        poller_.remove(entry_);
    }
    poll_guard(const poll_guard&) = delete;
    poll_guard& operator=(const poll_guard&) = delete;

private:
    busy_poller& poller_;
    poll_entry& entry_;
};

/// As long as it lives a coroutine that could go on has left the thread to others: those who count
/// them have short turns, and slices are short.
class yielding {
public:
    /// `poller` may be null. `of_end` counts those of one end of a pipe.
    yielding(busy_poller* poller, unsigned& of_end) noexcept : poller_(poller), of_end_(of_end) {
        ++of_end_;
        if (poller_ != nullptr) ++poller_->yielding_;
    }
    ~yielding() {
        --of_end_;
        if (poller_ != nullptr) --poller_->yielding_;
    }
    yielding(const yielding&) = delete;
    yielding& operator=(const yielding&) = delete;

private:
    busy_poller* poller_;
    unsigned& of_end_;
};

}  // namespace remora::detail
