// SPDX-License-Identifier: MIT
// An end of a pipe as a whole.
#include <remora/detail/pipe/pipe_state.hpp>

#include "base/exceptions.hpp"
#include "pipe/pipe_trace.hpp"
#include "pipe/pipe_waiter.hpp"
#include "transport/borrower.hpp"
#include "transport/lender.hpp"
#include "transport/transport.hpp"
#include "wire/control_records.hpp"

namespace remora::detail {
namespace {

// A reason to close has to fit; and the length of a frame is 32 bits wide.
constexpr std::size_t smallest_message = 4096;
constexpr std::size_t largest_message = 0xffff'f000;

}  // namespace

void check_limits(const pipe_limits& limits) {
    if (limits.message < smallest_message || limits.message > largest_message) {
        throw_error(errc::bad_option, "limits.message is " + std::to_string(limits.message) +
                                          ", not " + std::to_string(smallest_message) + " to " +
                                          std::to_string(largest_message));
    }
    if (limits.lent > most_lent) {
        throw_error(errc::bad_option, "limits.lent is " + std::to_string(limits.lent) +
                                          ", more than " + std::to_string(most_lent));
    }
    if (limits.queue == 0)
        throw_error(errc::bad_option, "limits.queue is 0: nothing could be sent");
}

pipe_state::pipe_state(asio::any_io_executor executor, std::unique_ptr<transport> transport,
                       std::string name, const pipe_limits& limits, errc gone, wait_policy waiting,
                       frame_kinds kinds)
    : executor_(std::move(executor)),
      transport_(std::move(transport)),
      name_(std::move(name)),
      limits_(limits),
      peer_gone_(gone),
      reader_(kinds, limits),
      read_waiter_(std::make_unique<pipe_waiter>(executor_, *transport_,
                                                 transport::readiness::readable, waiting,
                                                 [this] { return has_arrived(); })),
      writer_(limits.message),
      write_waiter_(std::make_unique<pipe_waiter>(executor_, *transport_,
                                                  transport::readiness::writable, waiting,
                                                  [this] { return write_progress(); })) {
}

pipe_state::~pipe_state() = default;

transport_kind pipe_state::transport_used() const noexcept {
    return transport_->kind();
}

void pipe_state::set_features(std::uint64_t features) noexcept {
    features_ = features;
    transport_->set_features(features);
    if (has_agreed(wire::lending) && transport_->lendable()) reader_.enable_loans();
    if (!has_agreed(wire::pieces)) return;
    writer_.cut_large_frames();
    reader_.enable_pieces();
}

void pipe_state::set_trace(std::unique_ptr<pipe_trace> trace) noexcept {
    trace_ = std::move(trace);
}

void pipe_state::trace_timed_out(std::uint64_t call) noexcept {
    if (trace_) trace_->timed_out(call);
}

void pipe_state::trace_given_up(std::uint64_t call) noexcept {
    if (trace_) trace_->given_up(call);
}

void pipe_state::on_peer_opened() noexcept {
    transport_->on_peer_opened();
}

std::string pipe_state::context() const {
    return "pipe " + quote(name_) + ": ";
}

void pipe_state::rethrow_in_context(std::string_view what) const try {
    throw;
} catch (const error& e) {
    throw error(e, context().append(what));
}

pipe_traffic pipe_state::sent() const noexcept {
    const frame_counts& frames = writer_.counts();
    return {writer_.bytes(), frames.messages, frames.items, write_waiter_->polled(),
            write_waiter_->slept()};
}

pipe_traffic pipe_state::received() const noexcept {
    const frame_counts& frames = reader_.counts();
    return {reader_.bytes(), frames.messages, frames.items, read_waiter_->polled(),
            read_waiter_->slept()};
}

std::size_t pipe_state::others() const noexcept {
    const busy_poller* const poller = read_waiter_->poller();
    if (poller == nullptr) return 0;
    const std::size_t own =
        yielding_ + (read_waiter_->is_polled() ? 1u : 0u) + (write_waiter_->is_polled() ? 1u : 0u);
    return poller->waiting() - own;
}

asio::awaitable<void> pipe_state::yield() {
    const auto since = turn::clock::now();
    turn_.end(since);
    {
        const yielding ready(read_waiter_->poller(), yielding_);
        co_await asio::defer(executor_, asio::use_awaitable);
    }
    const auto now = turn::clock::now();
    turn_.begin(now, now - since, others());
}

asio::awaitable<void> pipe_state::yield_to_receive() {
    co_await yield();
    throw_if_cancelled(co_await asio::this_coro::cancellation_state);
}

// Whoever waits looks round.
void pipe_state::interrupt() noexcept {
    transport_->cancel();
    read_waiter_->interrupt();
    write_waiter_->interrupt();
    if (call_frame_handler_ != nullptr) call_frame_handler_->on_interrupted();
}

}  // namespace remora::detail
