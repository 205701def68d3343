// SPDX-License-Identifier: MIT
/// The generator: a coroutine that produces the items of a stream.
#pragma once

#include <remora/asio.hpp>
#include <remora/detail/base/fragile.hpp>
#include <remora/detail/polling/wake_event.hpp>
#include <remora/request.hpp>

#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace remora {

namespace detail {

struct call_access;

template <class T>
using yielded = std::conditional_t<is_fragile<T>, wrapped_item<T>, T>;

template <class T, class... Args>
yielded<T> make_yielded(Args&&... args) {
    if constexpr (is_fragile<T>) {
        return wrapped_item<T>(std::in_place, std::forward<Args>(args)...);
    } else {
        return built_from<T>(std::forward<Args>(args)...);
    }
}

}  // namespace detail

/// An asynchronous generator: a coroutine that may `co_yield` items of type T and `co_await` any
/// asio::awaitable (as of asio::use_awaitable), and asio::this_coro::executor. Its items become a
/// stream: it goes on when there is room for the next. An exception that leaves it is what the
/// stream fails with.
///
///     remora::generator<tick> ticks(watch w) {
///         for (int i = 0; i != w.count; ++i) co_yield remora::item<tick>(i);
///     }
///
/// When nobody wants its items any more it does not go on: what it awaits is cancelled, and once
/// that has ended the coroutine is destroyed where it stands. A call or a handler to which it was
/// given returns after that; so it may use what its caller owns. Move-only; runs on the executor of
/// the pipe.
template <class T>
class [[nodiscard]] generator {
public:
    class promise_type;  ///< the compiler's, which turns a coroutine into a generator

    /// One that was moved from may only be destroyed.
    generator(generator&&) noexcept = default;
    generator& operator=(generator&&) = delete;
    ~generator();

private:
    friend struct detail::call_access;
    using handle = std::coroutine_handle<promise_type>;

    /// A counted reference to the coroutine's frame: the last one destroys it.
    class counted_handle {
    public:
        explicit counted_handle(handle h) noexcept : frame_(h) {
            if (h) ++h.promise().references_;
        }
        counted_handle(counted_handle&& other) noexcept
            : frame_(std::exchange(other.frame_, nullptr)) {}
        counted_handle(const counted_handle& other) noexcept : counted_handle(other.frame_) {}
        counted_handle& operator=(const counted_handle&) = delete;
        ~counted_handle() {
            if (frame_ && --frame_.promise().references_ == 0) frame_.destroy();
        }
        handle get() const noexcept { return frame_; }

    private:
        handle frame_;
    };

    explicit generator(handle h) noexcept : frame_(h) {}
    promise_type& promise() const { return frame_.get().promise(); }

    counted_handle frame_;  ///< what the coroutine awaits holds another
};

/// T{args...}, to be yielded, or an argument of send<T>(), call<T>(), stream<T>() or item<T>(): the
/// safe way to make a struct within `co_yield` or `co_await` (g++ 12 destroys such temporaries
/// twice).
///
///     co_await p.send<entry>(7, remora::item<author>("Ada", 36));
template <class T, class... Args>
detail::yielded<T> item(Args&&... args) {
    detail::check_temporaries<Args...>();
    return detail::make_yielded<T>(std::forward<Args>(args)...);
}

}  // namespace remora

#include <remora/detail/call/generator_impl.hpp>
