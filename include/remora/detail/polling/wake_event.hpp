// SPDX-License-Identifier: MIT
/// A wait of one coroutine that another one resumes, without a trip through the scheduler.
#pragma once

#include <remora/asio.hpp>

#include <exception>
#include <optional>
#include <utility>

namespace remora::detail {

class wake_event;

/// The list of the wake_events of a session that have a coroutine waiting. Coroutines refer to the
/// session and the session to them: so an object that is destroyed with the context drops them.
class wake_event_list {
public:
    wake_event_list() = default;
    wake_event_list(const wake_event_list&) = delete;
    wake_event_list& operator=(const wake_event_list&) = delete;
    /// Destroys the coroutines that wait.
    void drop_all() noexcept;
    bool empty() const noexcept { return first_ == nullptr; }

private:
    friend class wake_event;
    wake_event* first_ = nullptr;
};

/// An event that one coroutine at a time waits for. Belongs to the executor of that coroutine.
class wake_event {
public:
    explicit wake_event(wake_event_list& all) noexcept : all_(all) {}
    wake_event(const wake_event&) = delete;
    wake_event& operator=(const wake_event&) = delete;
    ~wake_event() { drop(); }

    bool is_waiting() const noexcept { return handler_.has_value(); }

    /// Completes when resume() is called. When the awaiting coroutine is cancelled `cancelled()` is
    /// called at once, if given; it may call post(), or leave the coroutine waiting.
    template <class Cancelled>
    asio::awaitable<void> wait(Cancelled cancelled) {
        return asio::async_initiate<const token, void()>(
            [this](handler h, Cancelled call) {
                auto slot = asio::get_associated_cancellation_slot(h);
                if (slot.is_connected()) {
                    slot.assign([call](asio::cancellation_type) mutable { call(); });
                }
                handler_.emplace(std::move(h));
                link();
            },
            asio::use_awaitable, std::move(cancelled));
    }

    /// Goes on with the coroutine that waits, if any does, before this returns. What leaves the
    /// coroutine's completion handler is thrown out of the context's run(), as if it had been
    /// posted.
    void resume();
    /// The same, but from the context, later.
    void post(const asio::any_io_executor& executor);
    /// Destroys the coroutine that waits, if any does. It may hold this.
    void drop() noexcept;

private:
    friend class wake_event_list;
    using token = asio::use_awaitable_t<>;
    using handler = asio::async_result<token, void()>::handler_type;

    void link() noexcept;
    handler release() noexcept;

    wake_event_list& all_;
    wake_event* next_ = nullptr;
    wake_event** link_ = nullptr;
    std::optional<handler> handler_;
};

}  // namespace remora::detail
