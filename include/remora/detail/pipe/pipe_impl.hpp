// SPDX-License-Identifier: MIT
/// The bodies of pipe's templates. Each operation is one coroutine, so that under the caller's own
/// the hot path needs one frame.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>

namespace remora {
namespace detail {

// As much of a batch as one write takes at once.
inline constexpr std::size_t batch_bytes = 64u << 10;
// So many values of a range count as one operation: they share a write.
inline constexpr unsigned values_like_one = 16;
// A long range may take long to produce: others have their turn after so many of its values.
inline constexpr unsigned batch_values = values_like_one * turn::most;

constexpr bool all_different(std::initializer_list<std::uint64_t> tags) {
    for (auto tag = tags.begin(); tag != tags.end(); ++tag)
        if (std::find(tags.begin(), tag, *tag) != tag) return false;
    return true;
}

}  // namespace detail

template <class T>
detail::pipe_state::position pipe::put(detail::pipe_state& end, const T& value) {
    return put_frame(end, detail::frame_kind::message, 0, 0, value);
}

// What a batch held before a value that cannot be sent still leaves.
template <class T>
detail::pipe_state::position pipe::put_into_batch(detail::pipe_state& end, const T& value,
                                                  detail::pipe_state::position batch) try {
    return put(end, value);
} catch (...) {
    end.flush(batch);
    throw;
}

template <class T>
asio::awaitable<void> pipe::send_value(end_ptr end, const T& value) {
    if (end->queue_is_full()) co_await end->wait_queue_room();
    const auto p = put(*end, value);
    if (!end->flush(p)) {
        co_await end->wait_written(p);
    } else if (end->must_yield_after()) {  // not before: those who call later would overtake
        co_await end->yield();
    }
}

template <class T>
bool pipe::try_send(const T& value) {
    detail::pipe_state& end = *checked();
    if (end.queue_is_full() || end.must_decline()) return false;
    end.flush(put(end, value));
    return true;
}

template <class T, class... Args>
asio::awaitable<void> pipe::send_built(end_ptr end, Args... args) {
    const auto value = detail::built_from<T>(std::move(args)...);
    co_await send_value(std::move(end), value);
}

template <class Range>
asio::awaitable<void> pipe::send_range(end_ptr end, const Range& values) {
    if (end->queue_is_full()) co_await end->wait_queue_room();
    detail::pipe_state::position batch{};
    unsigned count = 0;  // of the values in it
    for (const auto& value : values) {
        const auto p = put_into_batch(*end, value, batch);
        if (count++ == 0) batch.begin = p.begin;
        batch.end = p.end;
        const bool full = batch.end - batch.begin >= detail::batch_bytes;
        if (!full && count < detail::batch_values) continue;
        count = 0;
        if (!end->flush(batch)) {
            co_await end->wait_written(batch);
        } else {
            co_await end->yield();
        }
        if (end->queue_is_full()) co_await end->wait_queue_room();
    }
    if (count == 0) co_return;
    if (!end->flush(batch)) {
        co_await end->wait_written(batch);
    } else if (end->must_yield_after(1 + count / detail::values_like_one)) {
        co_await end->yield();
    }
}

template <class R, pipe::end_is at_end, class Pop>
asio::awaitable<R> pipe::receive_with(end_ptr end, receive_options options, Pop pop) {
    const detail::pipe_state::receiving guard(*end);
    const auto until = detail::deadline_of(options.timeout);
    const auto how = detail::peeking_before(options.timeout);
    for (;;) {
        if (end->must_yield_after()) co_await end->yield_to_receive();
        if (const detail::frame* f = end->peek_frame(how)) {
            if constexpr (std::is_void_v<R>) {
                pop(*end, *f);
                co_return;
            } else {
                co_return pop(*end, *f);
            }
        }
        if (end->at_end()) {
            if constexpr (at_end == end_is::nothing) {
                co_return std::nullopt;
            } else {
                end->throw_closed();
            }
        }
        if (!end->poll_briefly()) co_await end->wait_message(until);
    }
}

template <class T>
void pipe::pop_into(detail::pipe_state& end, const detail::frame& f, T& into) {
    if (f.header.tag != type_tag_of<T>()) [[unlikely]] {
        end.throw_mismatch(f, type_name_of<T>());
    }
    end.decode_value(f.payload, into);
    end.pop_frame();
}

template <class T>
bool pipe::try_receive(T& into) {
    detail::pipe_state& end = *checked();
    const detail::pipe_state::receiving guard(end);
    do {
        if (end.must_decline()) return false;
        if (const detail::frame* f = end.peek_frame()) {
            pop_into(end, *f, into);
            return true;
        }
    } while (!end.at_end() && end.try_poll_briefly());
    return false;
}

template <class T>
T pipe::pop_value(detail::pipe_state& end, const detail::frame& f) {
    T value{};
    pop_into(end, f, value);
    return value;
}

template <class... Ts>
std::variant<Ts...> pipe::pop_any(detail::pipe_state& end, const detail::frame& f) {
    static_assert(detail::all_different({type_tag_of<Ts>()...}),
                  "remora: two of these types have the same name in messages, and the second of "
                  "them would never be received: declare another name for one with "
                  "remora::type_name");
    std::optional<std::variant<Ts...>> result;
    const bool found =
        ((f.header.tag == type_tag_of<Ts>() && (result = pop_value<Ts>(end, f), true)) || ...);
    if (!found) {
        std::string wanted;
        ((wanted += (wanted.empty() ? "" : " or ") + std::string(type_name_of<Ts>())), ...);
        end.throw_mismatch(f, wanted);
    }
    return std::move(*result);
}

}  // namespace remora
