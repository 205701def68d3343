// SPDX-License-Identifier: MIT
/// How one direction of a pipe waits: it looks again for a moment, polls for a while, and sleeps.
#pragma once

#include "polling/busy_poller.hpp"
#include "polling/spin_policy.hpp"
#include "transport/transport.hpp"

#include <cstdint>
#include <functional>
#include <memory>

namespace remora::detail {

/// The wait of a pipe's reader, or of its writer. What it learns from one wait decides how the next
/// one begins. Belongs to the pipe's executor.
class pipe_wait {
public:
    /// `ready` is true if waiting is not worth while any more. The transport must outlive the wait.
    pipe_wait(const asio::any_io_executor& executor, transport& transport,
              transport::readiness what, wait_policy policy, std::function<bool()> ready);

    /// Before a wait: whether it polls. For a reader, looks again for a moment where that is likely
    /// to help; true if that has helped, and there is nothing to wait for.
    bool look_for_a_moment();
    void prepare() noexcept { polls_ = poller_ && poller_->can_poll() && policy_.polls(); }

    /// Completes when another look is worth while, perhaps too early. Throws operation_aborted if
    /// the awaiting coroutine is cancelled.
    asio::awaitable<void> wait();
    /// Ends the polling of a wait that goes on.
    void interrupt() noexcept { entry_.interrupt(); }

    /// How many waits have ended before they slept, and how many have slept.
    std::uint64_t polled() const noexcept { return polled_; }
    std::uint64_t slept() const noexcept { return slept_; }

private:
    bool yield_to_peer();
    bool learn() noexcept;

    transport& transport_;
    transport::readiness what_;
    std::shared_ptr<busy_poller> poller_;  ///< none: it sleeps at once
    spin_policy policy_;
    std::uint64_t polled_ = 0;
    std::uint64_t slept_ = 0;
    poll_entry entry_;
    bool polls_ = false;  ///< in the next wait
};

}  // namespace remora::detail
