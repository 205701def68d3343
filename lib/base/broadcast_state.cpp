// SPDX-License-Identifier: MIT
#include <remora/detail/base/broadcast_state.hpp>

#include "base/exceptions.hpp"

#include <remora/error.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

namespace remora::detail {

// One that waits, in the frame of its coroutine. Other threads notify it: whatever they use of it
// is used with the mutex locked, also when the wait begins.
class broadcast_state::waiter {
public:
    // Waits for news of `where`, unless there are some already.
    waiter(place& where, const asio::any_io_executor& executor)
        : state_(*where.of_), place_(where), timer_(executor) {
        const std::lock_guard lock(state_.mutex_);
        if (where.has_news()) return;
        timer_.expires_at(std::chrono::steady_clock::time_point::max());
        where.waits_ = this;
        next_ = state_.waiting_;
        link_ = &state_.waiting_;
        if (next_ != nullptr) next_->link_ = &next_;
        state_.waiting_ = this;
    }
    ~waiter() {
        const std::lock_guard lock(state_.mutex_);
        unlink();
    }
    waiter(const waiter&) = delete;
    waiter& operator=(const waiter&) = delete;

    // Completes when it was notified, or the coroutine is cancelled.
    asio::awaitable<void> wait() {
        return asio::async_initiate<const asio::use_awaitable_t<>, void()>(
            [this](auto handler) {
                const std::lock_guard lock(state_.mutex_);
                timer_.async_wait(asio::redirect_error(std::move(handler), ignored_));
            },
            asio::use_awaitable);
    }

    // With the mutex locked. A wait that begins later completes at once.
    void notify() {
        unlink();
        timer_.expires_at(std::chrono::steady_clock::time_point::min());
    }

private:
    void unlink() noexcept {
        if (link_ == nullptr) return;
        *link_ = next_;
        if (next_ != nullptr) next_->link_ = link_;
        link_ = nullptr;
        place_.waits_ = nullptr;
    }

    broadcast_state& state_;
    place& place_;
    asio::steady_timer timer_;
    std::error_code ignored_;
    waiter* next_ = nullptr;
    waiter** link_ = nullptr;  // what refers to this one; null once it was notified
};

broadcast_state::broadcast_state(std::size_t size) : ring_(size) {
    if (size == 0)
        throw_error(errc::bad_option, "broadcast: queue is 0: nobody could take an item");
}

// What is overwritten is destroyed when the mutex is free: it may be of a class that uses it.
void broadcast_state::send(item what) {
    const std::lock_guard lock(mutex_);
    if (closed_ || places_ == 0) return;
    slot& mine = at(end_);
    mine.what.swap(what);
    mine.wanted = places_;
    ++end_;
    notify_all();
}

void broadcast_state::close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    notify_all();
}

void broadcast_state::notify_all() {
    while (waiting_ != nullptr)
        waiting_->notify();
}

broadcast_state::place::place(std::shared_ptr<broadcast_state> of) : of_(std::move(of)) {
    const std::lock_guard lock(of_->mutex_);
    at_ = of_->end_;
    ++of_->places_;
}

broadcast_state::place::~place() {
    leave();
}

void broadcast_state::place::leave() {
    {
        const std::lock_guard lock(of_->mutex_);
        if (left_) return;
        left_ = true;
        last_ = of_->end_;
        --of_->places_;
        if (waits_ != nullptr) waits_->notify();
    }
    for (item each; take(each) && each;)
        each.reset();
}

bool broadcast_state::place::take(item& into) {
    const std::lock_guard lock(of_->mutex_);
    const std::uint64_t end = left_ ? last_ : of_->end_;
    const std::uint64_t size = of_->ring_.size();
    const std::uint64_t first = of_->end_ > size ? of_->end_ - size : 0;  // that is there
    const std::uint64_t next = std::max(at_, first);
    if (next >= end) return left_ || of_->closed_;
    lost_ = next - at_;
    at_ = next + 1;
    slot& mine = of_->at(next);
    into = mine.what;
    if (--mine.wanted == 0) mine.what.reset();
    return true;
}

// Held by the one coroutine that may await items.
class broadcast_state::place::awaiting {
public:
    explicit awaiting(place& of) : of_(of) {
        if (of.is_awaited_) throw_error(errc::receive_in_progress, "subscription: next");
        of.is_awaited_ = true;
    }
    ~awaiting() { of_.is_awaited_ = false; }
    awaiting(const awaiting&) = delete;
    awaiting& operator=(const awaiting&) = delete;

private:
    place& of_;
};

asio::awaitable<broadcast_state::item> broadcast_state::place::next(std::shared_ptr<place> self) {
    const awaiting guard(*self);
    const auto executor = co_await asio::this_coro::executor;
    item what;
    while (!self->take(what)) {
        waiter mine(*self, executor);
        co_await mine.wait();
        throw_if_cancelled(co_await asio::this_coro::cancellation_state);
    }
    co_return what;
}

}  // namespace remora::detail
