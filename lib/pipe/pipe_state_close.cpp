// SPDX-License-Identifier: MIT
// How an end of a pipe ends.
#include "pipe/waiter.hpp"
#include "transport/transport.hpp"
#include "wire/close_reason.hpp"

#include <remora/detail/pipe/pipe_state.hpp>

namespace remora::detail {

void endpoint::close(std::error_code why, const std::string& text) {
    if (closing_) return;
    try {
        if (!send_failure_) {
            position p = begin_frame(frame_kind::close);
            if (why) encode(out_, wire::close_reason(why, text));
            end_frame(p);
            flush(p);
        }
    } catch (const std::exception&) {
        fail_sending(errc::closed);
    }
    closing_ = true;
    head_.reset();
    for (waiter* sender : turns_)
        sender->wake();
    interrupt();
    if (!pumping_) return shut();
    try {
        asio::co_spawn(executor_, drain(shared_from_this()), asio::detached);
    } catch (const std::bad_alloc&) {  // then only the other end's reading lets the rest leave
    }
}

// Nobody reads any more here; but the other end may be writing as well, and both wait for room.
asio::awaitable<void> endpoint::drain(std::shared_ptr<endpoint> self) {
    co_await self->give_way();  // whoever closes may still look at what has arrived
    while (!self->shut_ && self->discard_input()) {
        const begun_wait going_on(*self->transport_, transport::readiness::readable);
        if (going_on) {
            std::error_code ec;
            co_await self->transport_->wait(transport::readiness::readable, ec);
        } else {
            co_await self->give_way();
        }
    }
}

// False once the other end is gone: what is queued cannot arrive.
bool endpoint::discard_input() try {
    auto result = transport::fetched::more;
    for (unsigned i = 0; i != most_in_a_row && result == transport::fetched::more; ++i) {
        transport_->consume(transport_->input().size());
        result = transport_->fetch(frame_header::size);
    }
    if (result == transport::fetched::end) fail_sending(gone_);
    return result != transport::fetched::end;
} catch (const std::exception&) {
    fail_sending(gone_);
    return false;
}

asio::awaitable<void> endpoint::wait_closed() {
    if (shut_) co_return;
    waiter entry{.timer = asio::steady_timer(executor_, deadline::max())};
    const waiting in_line(closes_, entry);
    std::error_code ec;
    co_await entry.timer.async_wait(asio::redirect_error(asio::use_awaitable, ec));
    if (!entry.done) throw std::system_error(asio::error::operation_aborted);
}

void endpoint::shut() {
    if (shut_) return;
    shut_ = true;
    transport_->close();
    for (waiter* closer : closes_)
        closer->wake();
}

void endpoint::fail(std::error_code why) {
    if (failure_) return;
    failure_ = why;
    fail_sending(why);
    interrupt();
}

void endpoint::abandon() {
    abandoned_ = true;
    if (!held_) close();
}

void endpoint::release(std::error_code why, const std::string& text) {
    held_ = false;
    if (why || abandoned_) close(why, text);
}

asio::awaitable<void> close_end(std::shared_ptr<endpoint> end) {
    end->close();
    co_await end->wait_closed();
}

void endpoint::opened() noexcept {
    transport_->opened();
}

}  // namespace remora::detail
