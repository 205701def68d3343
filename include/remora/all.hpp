// SPDX-License-Identifier: MIT
/// Running several operations concurrently: all(), or any(), of them.
#pragma once

#include <remora/asio.hpp>
#include <remora/detail/base/wait_queue.hpp>

#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

namespace remora {
namespace detail {

template <class T>
using not_void = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

/// Operations that run beside each other, and what they come to. Those that run share it.
class group {
public:
    explicit group(const asio::any_io_executor& executor) : executor_(executor) {}

    bool has_failed() const noexcept { return failure_ != nullptr; }
    bool has_value() const noexcept { return has_value_; }
    /// Throws what has failed first.
    void rethrow_failure() const { std::rethrow_exception(failure_); }

    /// Starts one, which may end before this returns.
    template <class T>
    static void start(std::shared_ptr<group> self, asio::cancellation_signal& cancel,
                      std::optional<not_void<T>>& result, asio::awaitable<T> operation) {
        ++self->running_;
        auto done = [self, &result](std::exception_ptr why, auto... value) {
            if (!why) result.emplace(std::move(value)...);
            self->ended(why);
        };
        try {
            asio::co_spawn(self->executor_, std::move(operation),
                           asio::bind_cancellation_slot(cancel.slot(), std::move(done)));
        } catch (...) {
            self->ended(std::current_exception());
        }
    }
    /// Completes when none runs any more, or one has ended, or the caller is cancelled.
    asio::awaitable<void> change() {
        if (running_ == 0) co_return;
        wait_queue::waiter mine(ended_, executor_);
        co_await mine.wait();
    }
    bool is_over() const noexcept { return running_ == 0; }

private:
    void ended(std::exception_ptr why) {
        --running_;
        if (!why) has_value_ = true;
        if (why && !failure_) failure_ = why;
        ended_.notify_all();
    }

    asio::any_io_executor executor_;
    wait_queue ended_;
    std::exception_ptr failure_;  ///< the first
    std::size_t running_ = 0;
    bool has_value_ = false;
};

template <class... Ts>
struct group_of : group {
    using group::group;

    void cancel() {
        std::apply([](auto&... each) { (each.emit(asio::cancellation_type::terminal), ...); },
                   cancels_);
    }
    template <class Decided>
    static asio::awaitable<void> run(std::shared_ptr<group_of> self, Decided decided,
                                     asio::awaitable<Ts>... operations);

    std::tuple<std::optional<not_void<Ts>>...> results;

private:
    template <class T>
    using signal_for = asio::cancellation_signal;
    std::tuple<signal_for<Ts>...> cancels_;
};

// Cancels the operations once, when `decided` is true or the caller is cancelled. Then waits until
// all have ended. Those that have not started by then never do.
template <class... Ts>
template <class Decided>
asio::awaitable<void> group_of<Ts...>::run(std::shared_ptr<group_of> self, Decided decided,
                                           asio::awaitable<Ts>... operations) {
    [&]<std::size_t... I>(std::index_sequence<I...>) {
        ((decided(*self) ? void()
                         : start<Ts>(self, std::get<I>(self->cancels_), std::get<I>(self->results),
                                     std::move(operations))),
         ...);
    }(std::index_sequence_for<Ts...>());
    const bool throws = co_await asio::this_coro::throw_if_cancelled();
    co_await asio::this_coro::throw_if_cancelled(false);
    for (bool told = false; !self->is_over();) {
        const auto state = co_await asio::this_coro::cancellation_state;
        const bool cancelled = state.cancelled() != asio::cancellation_type::none;
        if (!told && (cancelled || decided(*self))) {
            told = true;
            self->cancel();
        }
        co_await self->change();
    }
    co_await asio::this_coro::throw_if_cancelled(throws);
}

template <class... Ts>
asio::awaitable<std::shared_ptr<group_of<Ts...>>> run_all(asio::awaitable<Ts>... operations) {
    const auto all = std::make_shared<group_of<Ts...>>(co_await asio::this_coro::executor);
    auto work = group_of<Ts...>::run(
        all, [](const group& g) { return g.has_failed(); }, std::move(operations)...);
    co_await std::move(work);
    co_return all;
}

}  // namespace detail

/// The type in which all() and any() keep a result: T, or std::monostate for void.
template <class T>
using kept = detail::not_void<T>;

/// Runs the operations beside each other, on the executor of the caller, which runs one thing at a
/// time: that of a pipe, a strand, or a context that one thread runs. Returns what they return.
///
///     auto [a, b] = co_await remora::all(maths.call(q), store.call(r));
///
/// If one fails the others are cancelled, and once they have ended this throws what has failed
/// first: the remote_error, not the cancelling of the others. Those that were not started by then
/// never are. Cancelled, it cancels them all and waits for their ends in the same way; where they
/// were too quick to be cancelled it returns what they have returned. Any number may run at once.
///
/// What the others have returned is dropped if one fails. Where that would be a loss, as with items
/// of a stream, await readable(), or use the form below.
template <class... Ts>
asio::awaitable<std::tuple<kept<Ts>...>> all(asio::awaitable<Ts>... operations) {
    auto work = detail::run_all(std::move(operations)...);
    const auto group = co_await std::move(work);
    if (group->has_failed()) group->rethrow_failure();
    co_return std::apply([](auto&... each) { return std::tuple<kept<Ts>...>(std::move(*each)...); },
                         group->results);
}

/// The same, into `taken`, which must live until completion: what was returned is there also when
/// one has failed, or all were cancelled.
template <class... Ts>
asio::awaitable<void> all(std::tuple<std::optional<kept<Ts>>...>& taken,
                          asio::awaitable<Ts>... operations) {
    auto work = detail::run_all(std::move(operations)...);
    const auto group = co_await std::move(work);
    taken = std::move(group->results);
    if (group->has_failed()) group->rethrow_failure();
}

/// Runs the operations beside each other, as all() does, until the first succeeds: then the others
/// are cancelled, and their ends awaited. Returns what each has returned, for at least one of them:
/// others may have been too quick to be cancelled, and nothing that they took is lost.
///
///     auto [a, b] = co_await remora::any(one.next(), other.next());
///     if (a) use(*a);
///     if (b) use(*b);
///
/// If all fail it throws what has failed first. Cancelled, it cancels them all, and throws if none
/// has succeeded. For a limit of time use the operations' own.
template <class... Ts>
asio::awaitable<std::tuple<std::optional<kept<Ts>>...>> any(asio::awaitable<Ts>... operations) {
    const auto group =
        std::make_shared<detail::group_of<Ts...>>(co_await asio::this_coro::executor);
    auto work = detail::group_of<Ts...>::run(
        group, [](const detail::group& g) { return g.has_value(); }, std::move(operations)...);
    co_await std::move(work);
    if (!group->has_value()) group->rethrow_failure();
    co_return std::move(group->results);
}

}  // namespace remora
