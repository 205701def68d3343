// SPDX-License-Identifier: MIT
/// How a spawned coroutine is cancelled.
#pragma once

#include <remora/asio.hpp>

#include <exception>
#include <memory>
#include <type_traits>
#include <utility>

namespace remora::detail {

/// Cancels one coroutine, from that coroutine's executor. A cancellation that comes before its
/// first turn is kept until then; one that comes after its last turn is ignored.
class canceller {
public:
    canceller() = default;
    canceller(const canceller&) = delete;
    canceller& operator=(const canceller&) = delete;

    /// For asio::bind_cancellation_slot, where run() is spawned.
    asio::cancellation_slot slot() noexcept { return signal_.slot(); }

    void cancel(asio::cancellation_type how = asio::cancellation_type::terminal) {
        if (stage_ == stage::before) early_ |= how;
        if (stage_ == stage::running) signal_.emit(how);
    }

    /// What is spawned: `work`, with the result and the exceptions of that.
    template <class T>
    static asio::awaitable<T> run(std::shared_ptr<canceller> self, asio::awaitable<T> work);

private:
    enum class stage { before, running, over };

    class stage_guard {
    public:
        explicit stage_guard(canceller& owner) : owner_(owner) {
            owner_.stage_ = stage::running;
            if (owner_.early_ != asio::cancellation_type::none) owner_.cancel(owner_.early_);
        }
        ~stage_guard() { owner_.stage_ = stage::over; }
        stage_guard(const stage_guard&) = delete;
        stage_guard& operator=(const stage_guard&) = delete;

    private:
        canceller& owner_;
    };

    asio::cancellation_signal signal_;
    asio::cancellation_type early_ = asio::cancellation_type::none;
    stage stage_ = stage::before;
};

// Asio 1.27.0 to 1.30.1 await once more after a coroutine that has never been suspended. If it was
// cancelled, that throws out of the context's run(), unless awaiting does not throw any more.
template <class T>
asio::awaitable<T> canceller::run(std::shared_ptr<canceller> self, asio::awaitable<T> work) {
    const stage_guard guard(*self);
    std::exception_ptr why;
    try {
        if constexpr (std::is_void_v<T>) {
            co_await std::move(work);
            co_await asio::this_coro::throw_if_cancelled(false);
            co_return;
        } else {
            T result = co_await std::move(work);
            co_await asio::this_coro::throw_if_cancelled(false);
            co_return result;
        }
    } catch (...) {
        why = std::current_exception();
    }
    co_await asio::this_coro::throw_if_cancelled(false);
    std::rethrow_exception(why);
}

}  // namespace remora::detail
