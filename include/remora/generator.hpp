// SPDX-License-Identifier: MIT
/// Coroutines that produce a stream's items, one after the other.
#pragma once

#include <remora/asio.hpp>
#include <remora/contract.hpp>
#include <remora/detail/suspension.hpp>

#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace remora {

/// An asynchronous generator: a coroutine that may `co_yield` items of type T and `co_await` any
/// asio::awaitable (as of asio::use_awaitable), and asio::this_coro::executor. Its items become a
/// stream: it goes on when there is room for the next. An exception that leaves it is what the
/// stream fails with.
///
///     remora::generator<tick> ticks(watch w) {
///         for (int i = 0; i != w.count; ++i) co_yield remora::item<tick>(i);
///     }
///
/// When nobody wants its items any more, what it awaits is cancelled, and once that has ended the
/// coroutine is destroyed where it stands. Move-only; runs on the executor of the pipe.
template <class T>
class [[nodiscard]] generator {
public:
    class promise_type;

    generator(generator&&) noexcept = default;
    generator& operator=(generator&&) = delete;
    ~generator();

    // For those who send the items.

    /// Where it runs, and whom it wakes when an item has come out of a wait. Both before advance().
    void start(const asio::any_io_executor& executor, detail::suspension& ready);
    /// Runs until it has an item, ends, or has to wait.
    void advance();
    /// Cancels what it waits for, after which it goes no further.
    void stop();
    /// Throws what has left the coroutine, if it ended so.
    void rethrow_failure() const;
    /// The item, until the next advance(); null while it waits, and at the end.
    const T* item() const noexcept;
    bool at_end() const noexcept;
    bool is_waiting() const noexcept;

private:
    using handle = std::coroutine_handle<promise_type>;

    /// One of those who keep the coroutine, which goes with the last.
    class keeper {
    public:
        explicit keeper(handle h) noexcept : frame_(h) {
            if (h) ++h.promise().keepers_;
        }
        keeper(keeper&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
        keeper(const keeper& other) noexcept : keeper(other.frame_) {}
        keeper& operator=(const keeper&) = delete;
        ~keeper() {
            if (frame_ && --frame_.promise().keepers_ == 0) frame_.destroy();
        }
        handle get() const noexcept { return frame_; }

    private:
        handle frame_;
    };

    explicit generator(handle h) noexcept : frame_(h) {}
    promise_type& promise() const { return frame_.get().promise(); }

    keeper frame_;  ///< another is with what it waits for
};

/// T{args...}: the safe way to `co_yield` or `co_await` with a temporary of an aggregate (g++ 12
/// destroys such temporaries twice).
template <class T, class... Args>
T item(Args&&... args) {
    return T{std::forward<Args>(args)...};
}

}  // namespace remora

#include <remora/detail/generator_impl.hpp>
