// SPDX-License-Identifier: MIT
/// A stream: items that come one after the other, as the answer to a request or as its upload.
#pragma once

#include <remora/detail/call/stream_ends.hpp>
#include <remora/receive_options.hpp>
#include <remora/request.hpp>

#include <memory>
#include <optional>
#include <utility>

namespace remora {

namespace detail {
struct call_access;
}

/// The receiving side of a stream. Move-only; belongs to the executor of its pipe.
///
/// What has arrived and was not taken stays here, up to 256 KiB and one item: then the producer
/// waits, and nobody else does. Of many streams of a pipe that nobody reads each has 16 KiB and one
/// item, and all together 16 MiB more. Dropping a stream before its end cancels the call that it
/// answers; an upload's producer is cancelled when its handler ends. A generator that was sent
/// along with the request has ended when the stream has; where a stream is dropped the generator
/// does not go on, and is destroyed once what it awaits has ended.
template <class T>
class stream {
public:
    stream() = default;
    /// One that was never opened, or that was moved from, throws `closed` when it is used.
    stream(stream&&) noexcept = default;
    /// Drops what was here, as the destructor does.
    stream& operator=(stream&& other) noexcept {
        stream(std::move(other)).state_.swap(state_);
        return *this;
    }
    ~stream() {
        if (state_) state_->drop();
    }

    /// The next item; nullopt after the last one.
    ///
    /// Fails with `remote_error` if the producer has, when the items before were taken; with what
    /// decoding finds wrong, and then the item is gone; `timed_out`. One coroutine may await: a
    /// second one fails with `receive_in_progress`. Cancelled, it loses no item.
    asio::awaitable<std::optional<T>> next(receive_options options = {}) {
        if (!state_) detail::throw_error(errc::closed, "a stream that has been moved from");
        return next_of(state_, options);
    }

    /// Completes when there is an item or the end: the next next() will not wait. Takes nothing;
    /// counts as a next() while it waits, and fails as one.
    asio::awaitable<void> readable(receive_options options = {}) {
        if (!state_) detail::throw_error(errc::closed, "a stream that has been moved from");
        return detail::incoming_stream::wait_readable(state_, detail::deadline_of(options.timeout));
    }

private:
    friend struct detail::call_access;

    explicit stream(std::shared_ptr<detail::incoming_stream> state) noexcept
        : state_(std::move(state)) {}
    static asio::awaitable<std::optional<T>> next_of(std::shared_ptr<detail::incoming_stream> state,
                                                     receive_options options);
    static T pop(detail::incoming_stream& from);

    std::shared_ptr<detail::incoming_stream> state_;
};

template <class T>
asio::awaitable<std::optional<T>> stream<T>::next_of(std::shared_ptr<detail::incoming_stream> state,
                                                     receive_options options) {
    const detail::awaiting_items guard(*state);
    const auto until = detail::deadline_of(options.timeout);
    for (;;) {
        if (state->end->must_yield_after()) co_await state->end->yield_to_receive();
        if (!state->inbox.empty()) co_return pop(*state);
        if (state->is_over()) {
            if (state->inbox.failure()) std::rethrow_exception(state->inbox.failure());
            co_return std::nullopt;
        }
        co_await state->wait(until);
    }
}

template <class T>
T stream<T>::pop(detail::incoming_stream& from) {
    struct pop_guard {
        detail::incoming_stream& from;
        ~pop_guard() {
            from.inbox.pop();
            from.return_credit();
        }
    } const guard{from};
    T value{};
    read_item(from, value);
    return value;
}

}  // namespace remora
