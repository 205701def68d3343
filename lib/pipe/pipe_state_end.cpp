// SPDX-License-Identifier: MIT
// How an end of a pipe ends.
#include <remora/detail/pipe/pipe_state.hpp>

#include "pipe/pipe_trace.hpp"
#include "transport/borrower.hpp"
#include "transport/lender.hpp"
#include "transport/transport.hpp"
#include "wire/close_reason.hpp"

#include <new>

namespace remora::detail {

void pipe_state::close(std::error_code why, const std::string& text) {
    if (closing_) return;
    try {
        if (!send_failure_) {
            position p = begin_frame(frame_kind::close);
            if (why) encode(out(), wire::close_reason(why, text));
            end_frame(p);
            flush(p);
        }
    } catch (const std::exception&) {
        fail_sending(errc::closed);
    }
    closing_ = true;
    reader_.forget_head();
    waiting_for_queue_.notify_all();
    interrupt();
    if (!writes_in_loop_) return close_transport();
    try {
        asio::co_spawn(executor_, discard_until_written(shared_from_this()), asio::detached);
    } catch (const std::bad_alloc&) {  // then only the other end's reading lets the rest leave
    }
}

// Nobody reads any more here; but the other end may be writing as well, and both wait for room.
asio::awaitable<void> pipe_state::discard_until_written(std::shared_ptr<pipe_state> self) {
    co_await self->yield();  // whoever closes may still look at what has arrived
    while (!self->transport_closed_ && self->discard_input()) {
        const begun_wait sleeping(*self->transport_, transport::readiness::readable);
        if (sleeping) {
            std::error_code ec;
            co_await self->transport_->wait(transport::readiness::readable, ec);
        } else {
            co_await self->yield();
        }
    }
}

// False once the other end is gone: what is queued cannot arrive.
bool pipe_state::discard_input() try {
    auto result = transport::fetched::more;
    for (unsigned i = 0; i != turn::most && result == transport::fetched::more; ++i) {
        transport_->consume(transport_->input().size());
        result = transport_->fetch(frame_header::size);
    }
    if (result == transport::fetched::end) fail_sending(peer_gone_);
    return result != transport::fetched::end;
} catch (const std::exception&) {
    fail_sending(peer_gone_);
    return false;
}

asio::awaitable<void> pipe_state::wait_closed() {
    if (transport_closed_) co_return;
    const bool closed = co_await waiting_for_close_.wait();
    if (!closed) throw std::system_error(asio::error::operation_aborted);
}

void pipe_state::close_transport() {
    if (transport_closed_) return;
    transport_closed_ = true;
    loans_.clear();
    borrower_.reset();
    block_lender_ = nullptr;
    lender_.reset();
    transport_->close();
    trace_.reset();
    waiting_for_close_.notify_all();
}

void pipe_state::fail(std::error_code why) {
    if (failure_) return;
    failure_ = why;
    fail_sending(why);
    interrupt();
}

void pipe_state::handle_gone() {
    handle_is_gone_ = true;
    if (!defers_close_) close();
}

void pipe_state::stop_deferring(std::error_code why, const std::string& text) {
    defers_close_ = false;
    if (why || handle_is_gone_) close(why, text);
}

asio::awaitable<void> close_end(std::shared_ptr<pipe_state> end) {
    end->close();
    co_await end->wait_closed();
}

}  // namespace remora::detail
