// SPDX-License-Identifier: MIT
// How an end of a pipe sends.
#include <remora/detail/pipe/pipe_state.hpp>

#include "pipe/pipe_trace.hpp"
#include "pipe/pipe_waiter.hpp"
#include "transport/lender.hpp"
#include "transport/transport.hpp"

#include <algorithm>
#include <new>

namespace remora::detail {
namespace {
// Of large frames, in one turn: others have theirs.
constexpr std::size_t enough = 64 * 1024;
}  // namespace

// A sender whose frame is in the queue.
struct pipe_state::queued_sender : wait_queue::waiter {
    queued_sender(pipe_state& end, position p)
        : waiter(end.waiting_for_write_, end.executor_), where(p) {}

    position where;
    bool failed = false;
};

void pipe_state::throw_not_sending() const {
    if (closing_) throw_error(errc::closed, context() + "closed by this end");
    const std::string& text = reader_.end_text();
    throw error(send_failure_, context() + (text.empty() ? "sending" : text));
}

asio::awaitable<void> pipe_state::wait_queue_room(deadline until) {
    bool notified = false;
    {
        wait_queue::waiter mine(waiting_for_queue_, executor_, until);
        co_await mine.wait();
        notified = mine.is_notified();
    }
    notify_next_sender();
    const auto state = co_await asio::this_coro::cancellation_state;
    const bool cancelled = state.cancelled() != asio::cancellation_type::none;
    if (!notified && !cancelled) throw_error(errc::timed_out, context() + "waiting for room");
    if (cancelled) throw std::system_error(asio::error::operation_aborted);
}

// One at a time: it keeps its place until it goes on, so that nobody overtakes it.
void pipe_state::notify_next_sender() {
    if (!waiting_for_queue_.has_waiting()) return;
    if (waiting_for_queue_.notified() == 0 && !writer_.is_full(limits_.queue))
        waiting_for_queue_.notify_one();
}

bool pipe_state::flush(position p) {
    turn_.count_bytes(p.end - p.begin);
    try {
        if (!writes_in_loop_) {
            if (!write_queued()) start(writes_in_loop_, write_loop);
            notify_next_sender();
        } else if (waits_for_room_) {
            peak_queued_ = std::max(peak_queued_, writer_.queued());
        }
    } catch (const error& e) {
        fail_sending(e.code());
        throw error(e, context());
    } catch (const std::bad_alloc&) {  // nobody would write what is left
        fail_sending(std::make_error_code(std::errc::not_enough_memory));
        throw;
    }
    if (send_failure_) throw_not_sending();  // in the first step of the write loop
    return written() >= p.end;
}

// True if nothing is left.
bool pipe_state::write_queued() {
    waits_for_room_ = false;
    for (std::size_t done = 0; writer_.queued() != 0;) {
        if (done >= enough) return false;
        const auto next = writer_.unwritten();
        const std::size_t count = trace_ ? write_traced(next) : transport_->write(next);
        writer_.advance(count);
        done += count;
        if (count == next.size()) continue;
        waits_for_room_ = transport_->is_full();
        if (waits_for_room_) peak_queued_ = std::max(peak_queued_, writer_.queued());
        return false;
    }
    return true;
}

// At the other end a frame is read later than this says.
std::size_t pipe_state::write_traced(std::span<const std::byte> bytes) {
    const auto when = std::chrono::steady_clock::now();
    const std::size_t count = transport_->write(bytes);
    trace_->sent(bytes, count, written(), when);
    return count;
}

void pipe_state::write_some() {
    try {
        write_queued();
    } catch (const std::system_error& e) {
        fail_sending(e.code());
    }
    waiting_for_write_.for_each([&](wait_queue::waiter& sender) {
        if (written() >= static_cast<queued_sender&>(sender).where.end) sender.notify();
    });
    notify_next_sender();
}

bool pipe_state::write_progress() noexcept try {
    const auto before = written();
    write_some();
    return written() != before || send_failure_;
} catch (const std::exception&) {
    return true;
}

asio::awaitable<void> pipe_state::wait_written(position p) {
    turn_.end();
    queued_sender mine(*this, p);
    co_await mine.wait();
    if (mine.failed) check_sending();
    if (mine.is_notified()) co_return;
    withdraw(mine.where);
    throw std::system_error(asio::error::operation_aborted);
}

// Takes a frame out of the queue, unless its first byte has left.
void pipe_state::withdraw(position p) {
    if (send_failure_ || p.begin < written()) return;
    if (lender_) lender_->take_back(writer_.bytes_of(p));
    writer_.withdraw(p);
    const std::uint64_t size = p.end - p.begin;
    waiting_for_write_.for_each([&](wait_queue::waiter& sender) {
        position& where = static_cast<queued_sender&>(sender).where;
        if (where.begin < p.end) return;
        where.begin -= size;
        where.end -= size;
    });
    if (call_frame_handler_ != nullptr) call_frame_handler_->on_withdrawn(p);
}

void pipe_state::fail_sending(std::error_code why) {
    if (send_failure_) return;
    send_failure_ = why;
    writer_.drop_all();
    waiting_for_write_.for_each([](wait_queue::waiter& sender) {
        static_cast<queued_sender&>(sender).failed = true;
        sender.notify();
    });
    waiting_for_queue_.notify_all();
    interrupt();  // ends the write loop
    if (closing_ && !writes_in_loop_) close_transport();
}

}  // namespace remora::detail
