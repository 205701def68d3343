// SPDX-License-Identifier: MIT
#include <remora/detail/base/wait_queue.hpp>

namespace remora::detail {

bool wait_queue::notify_one() noexcept {
    if (first_ == nullptr) return false;
    first_->notify();
    return true;
}

void wait_queue::notify_all() noexcept {
    while (notify_one()) {
    }
}

asio::awaitable<bool> wait_queue::wait(deadline until) {
    waiter mine(*this, co_await asio::this_coro::executor, until);
    co_await mine.wait();
    co_return mine.is_notified();
}

wait_queue::waiter::waiter(wait_queue& queue, const asio::any_io_executor& executor, deadline until)
    : queue_(queue), timer_(executor, until), link_(queue.end_) {
    *link_ = this;
    queue_.end_ = &next_;
}

wait_queue::waiter::~waiter() {
    if (is_notified())
        --queue_.notified_;
    else
        unlink();
}

void wait_queue::waiter::notify() noexcept {
    if (is_notified()) return;
    unlink();
    ++queue_.notified_;
    timer_.cancel();
}

asio::awaitable<void> wait_queue::waiter::wait() {
    return timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored_));
}

void wait_queue::waiter::unlink() noexcept {
    *link_ = next_;
    (next_ != nullptr ? next_->link_ : queue_.end_) = link_;
    link_ = nullptr;
    next_ = nullptr;
}

}  // namespace remora::detail
