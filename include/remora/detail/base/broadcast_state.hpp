// SPDX-License-Identifier: MIT
/// The items of a broadcast, and where each subscription is among them. Not for users.
#pragma once

#include <remora/asio.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace remora::detail {

/// The last items of a broadcast, in a ring, until all have taken them. For any thread.
class broadcast_state {
public:
    using item = std::shared_ptr<const void>;
    class place;

    /// Throws bad_option for a ring of no items.
    explicit broadcast_state(std::size_t size);

    void send(item what);
    void close();

private:
    class waiter;
    struct slot {
        item what;
        std::size_t wanted = 0;  ///< by how many places
    };

    slot& at(std::uint64_t number) noexcept { return ring_[number % ring_.size()]; }
    void notify_all();

    std::mutex
        mutex_;  ///< of all that follows, and of what other threads use of places and waiters
    std::vector<slot> ring_;
    std::uint64_t end_ = 0;  ///< the number of the next item
    std::size_t places_ = 0;
    bool closed_ = false;
    waiter* waiting_ = nullptr;  ///< the first of a list
};

/// The place of a subscription: what comes next. Belongs to the executor of whoever awaits that.
class broadcast_state::place {
public:
    explicit place(std::shared_ptr<broadcast_state> of);
    ~place();
    place(const place&) = delete;
    place& operator=(const place&) = delete;

    /// Completes with the next item, or null at the end.
    static asio::awaitable<item> next(std::shared_ptr<place> self);
    /// How many were lost before the item that was taken last.
    std::uint64_t lost() const noexcept { return lost_; }
    /// No item comes any more.
    void leave();

private:
    friend class waiter;
    class awaiting;

    /// With the mutex locked: whether take() finds something.
    bool has_news() const noexcept { return at_ != of_->end_ || left_ || of_->closed_; }
    /// Takes the next item, or null at the end. False if there is none yet.
    bool take(item& into);

    const std::shared_ptr<broadcast_state> of_;
    std::uint64_t at_ = 0;  ///< the number of the item that comes next
    std::uint64_t lost_ = 0;
    waiter* waits_ = nullptr;
    bool left_ = false;
    std::uint64_t last_ = 0;  ///< when it was left, the number of the next item
    bool is_awaited_ = false;
};

}  // namespace remora::detail
