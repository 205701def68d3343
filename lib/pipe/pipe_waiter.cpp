// SPDX-License-Identifier: MIT
#include "pipe/pipe_waiter.hpp"

#include "base/exceptions.hpp"

#include <utility>

namespace remora::detail {
namespace {

// About a microsecond each.
constexpr std::size_t polls_of_memory = 40;
constexpr std::size_t polls_by_system_call = 6;

// About what it costs to sleep and to be woken, so that a peer that has to wake up first is still
// met awake.
constexpr auto polling_time = std::chrono::microseconds(50);

std::chrono::nanoseconds time_to_poll(const spin_policy& policy) {
    if (policy.policy() == wait_policy::spin) return std::chrono::nanoseconds::max();
    return polling_time;
}

}  // namespace

pipe_waiter::pipe_waiter(const asio::any_io_executor& executor, transport& transport,
                         transport::readiness what, wait_policy policy, std::function<bool()> ready)
    : transport_(transport),
      what_(what),
      poller_(policy == wait_policy::block ? nullptr : busy_poller::of(executor)),
      policy_(policy),
      entry_(std::move(ready), transport.kind() != transport_kind::shared_memory) {
}

bool pipe_waiter::poll_briefly() {
    prepare();
    if (!polls_next_) return false;
    if (transport_.shares_cpu()) {
        polls_next_ = false;
        return yield_to_peer();
    }
    if (!policy_.should_poll_first(poller_->has_no_entries())) return false;
    const bool by_memory = !entry_.needs_syscall();
    const std::size_t others_ready = poller_->yielded();
    std::size_t polls = by_memory ? polls_of_memory : polls_by_system_call;
    if (others_ready != 0) polls /= others_ready;
    if (polls == 0) return false;
    for (; polls != 0; --polls) {
        if (entry_.poll()) {
            policy_.hit();
            policy_.found_briefly();
            ++polled_;
            return true;
        }
        if (by_memory) relax();
    }
    policy_.found_nothing_briefly();
    return !by_memory && yield_to_peer();
}

// The peer cannot answer before this side has left the CPU. To yield costs less than to sleep; and
// as long as both want to run, the kernel has a reason to give them a CPU each.
bool pipe_waiter::yield_to_peer() {
    yield_cpu();
    if (!entry_.poll()) return false;
    ++polled_;
    return true;
}

asio::awaitable<void> pipe_waiter::wait() {
    waited_ = {};
    if (std::exchange(polls_next_, false)) {
        {
            const poll_guard polling(*poller_, entry_, time_to_poll(policy_));
            co_await entry_.wait();
            waited_ = entry_.waited();
        }
        const bool sleeps = note_outcome();
        throw_if_cancelled(co_await asio::this_coro::cancellation_state);
        if (!sleeps) co_return;
    }
    const begun_wait sleeping(transport_, what_);
    ++(sleeping ? slept_ : polled_);
    if (sleeping) {
        std::error_code ec;  // whatever it says, looking again finds out
        co_await transport_.wait(what_, ec);
        if (poller_ && what_ == transport::readiness::readable) poller_->note_work();
        throw_if_cancelled(co_await asio::this_coro::cancellation_state);
    }
}

// Of the polling that is over. True if it is time to sleep.
bool pipe_waiter::note_outcome() noexcept {
    const wait_outcome outcome = entry_.outcome();
    if (outcome == wait_outcome::ready) {
        policy_.found_while_polling();
        ++polled_;
    }
    if (entry_.has_lost_cpu()) {
        policy_.lost_cpu();
    } else if (outcome == wait_outcome::ready) {
        policy_.hit();
    } else if (outcome == wait_outcome::timed_out) {
        policy_.miss();
    }
    return outcome == wait_outcome::timed_out || outcome == wait_outcome::replaced;
}

}  // namespace remora::detail
