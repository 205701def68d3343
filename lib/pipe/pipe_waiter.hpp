// SPDX-License-Identifier: MIT
/// How one direction of a pipe waits for its transport.
#pragma once

#include "polling/busy_poller.hpp"
#include "polling/spin_policy.hpp"
#include "transport/transport.hpp"

#include <cstdint>
#include <functional>
#include <memory>

namespace remora::detail {

/// What a pipe's reader, or its writer, waits with. A wait has up to three stages: it polls
/// briefly, some 40 µs at most, in which nothing else runs on the thread; it polls for a while, in
/// which other coroutines run (busy_poller); and it sleeps until the descriptor is ready. The
/// outcome of one wait decides with which stage the next one begins (spin_policy). Belongs to the
/// pipe's executor.
///
/// A writer calls prepare() and then wait(); a reader poll_briefly(), and wait() if that is false.
class pipe_waiter {
public:
    /// Waits for `what`; `ready` is polled, and true once the wait may end. The transport must
    /// outlive the wait.
    pipe_waiter(const asio::any_io_executor& executor, transport& transport,
                transport::readiness what, wait_policy policy, std::function<bool()> ready);

    /// Decides whether the next wait() polls before it sleeps.
    void prepare() noexcept {
        polls_next_ = poller_ && poller_->can_poll() && policy_.should_poll();
    }
    /// The same; and polls briefly where that is likely to find something: true if it has, and
    /// there is nothing to wait for. The more others could go on, the shorter.
    bool poll_briefly();

    /// Completes when another look is worth while, perhaps too early. Throws operation_aborted if
    /// the awaiting coroutine is cancelled.
    asio::awaitable<void> wait();
    /// Ends a wait() that polls; transport::cancel() ends one that sleeps.
    void interrupt() noexcept { entry_.interrupt(); }

    /// What polls for the executor; null: every wait sleeps at once.
    busy_poller* poller() const noexcept { return poller_.get(); }
    /// For how long others had the thread before the last wait() could end; 0 if it has slept.
    std::chrono::nanoseconds waited() const noexcept { return waited_; }
    /// True while it polls for this wait.
    bool is_polled() const noexcept { return entry_.is_polled(); }

    /// How many waits have ended before they slept, and how many have slept.
    std::uint64_t polled() const noexcept { return polled_; }
    std::uint64_t slept() const noexcept { return slept_; }

private:
    bool yield_to_peer();
    bool note_outcome() noexcept;

    transport& transport_;
    transport::readiness what_;
    std::shared_ptr<busy_poller> poller_;  ///< null: every wait sleeps at once
    spin_policy policy_;
    std::uint64_t polled_ = 0;
    std::uint64_t slept_ = 0;
    poll_entry entry_;
    std::chrono::nanoseconds waited_{};
    bool polls_next_ = false;  ///< in the next wait()
};

}  // namespace remora::detail
