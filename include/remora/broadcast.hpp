// SPDX-License-Identifier: MIT
/// The broadcast: hands each item to all who subscribe.
#pragma once

#include <remora/detail/base/broadcast_state.hpp>
#include <remora/error.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace remora {

/// What a broadcast is made with.
struct broadcast_options {
    /// How many items wait for a subscriber at most. Beyond that it loses its oldest.
    std::size_t queue = 64;
};

template <class T>
class broadcast;

/// The items of a broadcast, for one who takes them. Move-only; belongs to the executor of the
/// coroutine that awaits next(). Destroying it ends the subscription, also after the broadcast is
/// gone.
template <class T>
class subscription {
public:
    /// Of no broadcast: it throws `closed` when it is used, as one that was moved from does.
    subscription() = default;
    /// One that was moved from throws `closed` when it is used.
    subscription(subscription&&) noexcept = default;
    /// Ends what was here, as the destructor does.
    subscription& operator=(subscription&& other) noexcept {
        subscription(std::move(other)).place_.swap(place_);
        return *this;
    }
    ~subscription() {
        if (place_) place_->leave();
    }

    /// The next item, which all subscribers share; null at the end: the broadcast was closed, and
    /// all that was sent before was taken or lost.
    ///
    /// One coroutine may await: a second one fails with `receive_in_progress`. Cancelled, it loses
    /// no item. If the subscription is destroyed meanwhile, it completes with null.
    asio::awaitable<std::shared_ptr<const T>> next() { return next_of(checked()); }

    /// How many items were lost between the last two that next() has returned, or before the first
    /// one: so many more were sent than wait for a subscriber.
    std::uint64_t lost() const { return checked()->lost(); }

private:
    friend class broadcast<T>;
    using place_ptr = std::shared_ptr<detail::broadcast_state::place>;

    explicit subscription(place_ptr place) noexcept : place_(std::move(place)) {}
    const place_ptr& checked() const {
        if (!place_)
            detail::throw_error(errc::closed,
                                "a subscription to nothing, or that has been moved from");
        return place_;
    }
    static asio::awaitable<std::shared_ptr<const T>> next_of(place_ptr place) {
        auto item = co_await detail::broadcast_state::place::next(std::move(place));
        co_return std::static_pointer_cast<const T>(std::move(item));
    }

    place_ptr place_;
};

/// Hands each item to all who subscribe, as events to all connections:
///
///     remora::broadcast<tick> ticks;
///
///     remora::generator<tick> follow(remora::subscription<tick> mine) {
///         while (const auto t = co_await mine.next()) co_yield *t;
///     }
///
///     clock.on([&](watch) { return follow(ticks.subscribe()); });
///     ticks.send({1});
///
/// Nobody waits for a subscriber: one that is slow loses its oldest items, and is told how many.
/// Any thread may use a broadcast, while others do. The destructor closes it; subscriptions may go
/// before or after it.
template <class T>
class broadcast {
public:
    /// Throws `bad_option` for a queue of no items.
    explicit broadcast(broadcast_options options = {})
        : state_(std::make_shared<detail::broadcast_state>(options.queue)) {}
    ~broadcast() { close(); }
    broadcast(const broadcast&) = delete;
    broadcast& operator=(const broadcast&) = delete;

    /// Sends one item to all who subscribe now. Does not wait: they take it on their own executors.
    /// It is stored once, until all have taken or lost it. Does nothing after close().
    void send(T item) { state_->send(std::make_shared<const T>(std::move(item))); }

    /// A subscription to what is sent from now on.
    subscription<T> subscribe() {
        return subscription<T>(std::make_shared<detail::broadcast_state::place>(state_));
    }

    /// Ends all subscriptions, present and future, once they have taken what was sent before. May
    /// be called again.
    void close() { state_->close(); }

private:
    std::shared_ptr<detail::broadcast_state> state_;
};

}  // namespace remora
