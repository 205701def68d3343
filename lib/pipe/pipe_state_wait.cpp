// SPDX-License-Identifier: MIT
// How an end of a pipe waits: it looks again for a moment, watches for a while, and sleeps.
#include "base/exceptions.hpp"
#include "pipe/waiter.hpp"
#include "transport/transport.hpp"

#include <remora/detail/pipe/pipe_state.hpp>

namespace remora::detail {
namespace {

// About a microsecond each.
constexpr int looks_at_memory = 40;
constexpr int looks_by_system_call = 6;

// About what it costs to sleep and to be woken, so that a peer that has to wake up first is still
// met awake.
constexpr auto watching_time = std::chrono::microseconds(50);

std::chrono::nanoseconds time_to_watch(const spin_policy& policy) {
    if (policy.policy() == wait_policy::spin) return std::chrono::nanoseconds::max();
    return watching_time;
}

// Learns from a watch that is over. True if it is time to sleep.
bool note(const lookout::watch& w, spin_policy& policy) noexcept {
    const watched outcome = w.outcome();
    if (outcome == watched::news) policy.found_later();
    if (w.lost_cpu) {
        policy.lost_cpu();
    } else if (outcome == watched::news) {
        policy.hit();
    } else if (outcome == watched::nothing) {
        policy.miss();
    }
    return outcome == watched::nothing || outcome == watched::replaced;
}

}  // namespace

bool endpoint::look_for_a_moment() {
    waits& w = *waits_;
    w.watches = w.place->can_watch() && w.reading.watches();
    if (!w.watches) return false;
    if (transport_->shares_cpu()) {
        w.watches = false;
        return give_cpu_to_peer();
    }
    if (!w.reading.looks_first(w.place->is_idle())) return false;
    for (int i = w.to_read.costly ? looks_by_system_call : looks_at_memory; i != 0; --i) {
        if (has_arrived()) {
            w.reading.hit();
            w.reading.found_first();
            return true;
        }
        if (!w.to_read.costly) relax();
    }
    w.reading.found_nothing_first();
    return w.to_read.costly && give_cpu_to_peer();
}

// The peer cannot answer before this side has left the CPU. To yield costs less than to sleep; and
// as long as both want to run, the kernel has a reason to give them a CPU each.
bool endpoint::give_cpu_to_peer() {
    give_cpu();
    return has_arrived();
}

// True also for an end and a failure: head() will meet them.
bool endpoint::has_arrived() noexcept try {
    return transport_->fetch(wanted_) != transport::fetched::nothing;
} catch (const std::exception&) {
    return true;
}

bool endpoint::has_left() noexcept try {
    const auto before = written();
    write_some();
    return written() != before || send_failure_;
} catch (const std::exception&) {
    return true;
}

asio::awaitable<void> endpoint::wait_message(deadline until) {
    in_a_row_ = 0;
    std::optional<asio::steady_timer> limit;
    if (until != deadline::max()) {
        if (std::chrono::steady_clock::now() >= until)
            raise(errc::timed_out, context() + "receive");
        limit.emplace(executor_, until);
        limit->async_wait([self = shared_from_this()](std::error_code ec) {
            if (!ec) self->interrupt();
        });
    }
    if (in_one_look_ >= most_in_a_row) {
        co_await give_way_to_receive();
        co_return;
    }
    bool sleeps = true;
    if (waits_ && waits_->watches) {
        {
            const lookout::watching going_on(*waits_->place, waits_->to_read,
                                             time_to_watch(waits_->reading));
            co_await waits_->to_read.over();
        }
        sleeps = note(waits_->to_read, waits_->reading);
        throw_if_cancelled(co_await asio::this_coro::cancellation_state);
    }
    if (!sleeps) co_return;
    if (const begun_wait going_on(*transport_, transport::readiness::readable); going_on) {
        std::error_code ec;  // whatever it says, looking again finds out
        co_await transport_->wait(transport::readiness::readable, ec);
        if (waits_) waits_->place->note_work();
        throw_if_cancelled(co_await asio::this_coro::cancellation_state);
    }
}

// The pump's wait, in the same way; without a limit of time, and nobody cancels it.
asio::awaitable<void> endpoint::wait_for_room() {
    bool sleeps = true;
    if (waits_ && waits_->place->can_watch() && waits_->writing.watches()) {
        {
            const lookout::watching going_on(*waits_->place, waits_->to_write,
                                             time_to_watch(waits_->writing));
            co_await waits_->to_write.over();
        }
        sleeps = note(waits_->to_write, waits_->writing);
    }
    if (!sleeps) co_return;
    if (const begun_wait going_on(*transport_, transport::readiness::writable); going_on) {
        std::error_code ec;
        co_await transport_->wait(transport::readiness::writable, ec);
    }
}

void endpoint::interrupt() noexcept {
    transport_->cancel();
    if (!waits_) return;
    waits_->to_read.interrupt();
    waits_->to_write.interrupt();
}

asio::awaitable<void> endpoint::give_way() {
    in_a_row_ = 0;
    co_await asio::defer(executor_, asio::use_awaitable);
}

asio::awaitable<void> endpoint::give_way_to_receive() {
    co_await give_way();
    throw_if_cancelled(co_await asio::this_coro::cancellation_state);
}

}  // namespace remora::detail
