// SPDX-License-Identifier: MIT
// How an end of a pipe ends.
#include "close_reason.hpp"
#include "transport.hpp"
#include "waiter.hpp"

#include <remora/detail/endpoint.hpp>

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
        send_failure_ = errc::closed;
    }
    closing_ = true;
    head_.reset();
    for (waiter* sender : turns_)
        sender->wake();
    interrupt();
    if (!pumping_) shut();
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
