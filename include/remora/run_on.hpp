// SPDX-License-Identifier: MIT
/// Awaiting an operation that runs on another executor.
#pragma once

#include <remora/detail/base/canceller.hpp>

#include <exception>
#include <memory>
#include <utility>

namespace remora {

namespace detail {

// The work that another executor does. Cancellation slots refer to it weakly, since they may
// outlive the context.
struct remote_work {
    explicit remote_work(asio::any_io_executor where) : executor(std::move(where)) {}
    asio::any_io_executor executor;
    canceller stop;
};

struct start_there {
    template <class Handler, class T>
    void operator()(Handler handler, std::shared_ptr<remote_work> there,
                    asio::awaitable<T> work) const {
        if (auto slot = asio::get_associated_cancellation_slot(handler); slot.is_connected()) {
            slot.assign([weak = std::weak_ptr(there)](asio::cancellation_type how) {
                const auto remote = weak.lock();
                if (remote)
                    asio::dispatch(remote->executor, [remote, how] { remote->stop.cancel(how); });
            });
        }
        const auto here = asio::get_associated_executor(handler);
        auto done = [there, handler = std::move(handler)](auto... result) mutable {
            std::move(handler)(std::move(result)...);
        };
        asio::co_spawn(
            there->executor,
            canceller::run(std::shared_ptr<canceller>(there, &there->stop), std::move(work)),
            asio::bind_cancellation_slot(there->stop.slot(),
                                         asio::bind_executor(here, std::move(done))));
    }
};

template <class T>
struct completion {
    using signature = void(std::exception_ptr, T);
};
template <>
struct completion<void> {
    using signature = void(std::exception_ptr);
};

}  // namespace detail

/// Runs `work` on `executor`, and completes on the executor of the coroutine that awaits this, with
/// what `work` returns or throws. So a pipe is used from the strand of another:
///
///     auto asking = p.call(question);
///     const auto answer = co_await remora::run_on(p.get_executor(), std::move(asking));
///
/// What `work` refers to must live until completion. Cancelling is passed on to `executor`, and
/// this completes when `work` has ended: nothing of it goes on afterwards. Where several threads
/// run a context, both executors have to be strands.
///
/// asio::co_spawn(executor, work, asio::use_awaitable) is the same from Asio 1.22.2 on. With 1.22.1
/// it is not to be cancelled from another thread: it changes the state of `work` at once, while
/// `executor` uses it.
template <class T>
asio::awaitable<T> run_on(const asio::any_io_executor& executor, asio::awaitable<T> work) {
    using token = const asio::use_awaitable_t<>;
    return asio::async_initiate<token, typename detail::completion<T>::signature>(
        detail::start_there(), asio::use_awaitable, std::make_shared<detail::remote_work>(executor),
        std::move(work));
}

}  // namespace remora
