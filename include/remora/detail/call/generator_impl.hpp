// SPDX-License-Identifier: MIT
/// The coroutine behind remora::generator.
#pragma once

namespace remora {
namespace detail {

/// What an awaitable within a generator has come to.
template <class U>
struct awaited_value {
    std::exception_ptr failure;
    std::optional<U> value;

    void set(std::exception_ptr why, U got) {
        failure = why;
        if (!why) value.emplace(std::move(got));
    }
    U get() {
        if (failure) std::rethrow_exception(failure);
        return std::move(*value);
    }
};
template <>
struct awaited_value<void> {
    std::exception_ptr failure;

    void set(std::exception_ptr why) { failure = why; }
    void get() {
        if (failure) std::rethrow_exception(failure);
    }
};

}  // namespace detail

template <class T>
class generator<T>::promise_type {
public:
    generator get_return_object() { return generator(handle::from_promise(*this)); }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    std::suspend_always yield_value(const T& item) noexcept {
        item_ = &item;
        return {};
    }
    std::suspend_always yield_value(const detail::wrapped_item<T>& item) noexcept {
        return yield_value(item.get());
    }
    std::suspend_always yield_value(T&& item) noexcept {
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
        static_assert(!detail::is_fragile<T>,
                      "remora: g++ before 13 destroys an aggregate that is made within co_yield "
                      "twice: write co_yield remora::item<T>(...), or name the value");
#endif
        return yield_value(std::as_const(item));
    }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { failure_ = std::current_exception(); }

    template <class U>
    auto await_transform(asio::awaitable<U> operation) {
        return wait<U>{*this, std::move(operation), {}};
    }
    auto await_transform(asio::this_coro::executor_t) {
        struct ready : std::suspend_never {
            asio::any_io_executor executor;
            asio::any_io_executor await_resume() const { return executor; }
        };
        return ready{{}, executor_};
    }

    // For those who send the items.

    /// Where it runs, and what it wakes when an item has come out of a wait. Both before advance().
    /// Once `stopped` is true it does not go on after a wait.
    void start(const asio::any_io_executor& executor, detail::wake_event& ready,
               const bool& stopped) noexcept {
        executor_ = executor;
        ready_ = &ready;
        stopped_ = &stopped;
    }
    /// Runs until it has an item, ends, or has to wait.
    void advance() { resume(); }
    /// Cancels what it waits for. `stopped` is true.
    void stop() { cancel_.emit(asio::cancellation_type::terminal); }
    /// Throws what has left the coroutine, if it ended so.
    void rethrow_failure() const {
        if (failure_) std::rethrow_exception(failure_);
    }
    /// The item, until the next advance(); null while it waits, and at the end.
    const T* item() const noexcept { return item_; }
    bool at_end() noexcept { return handle::from_promise(*this).done(); }
    bool is_waiting() const noexcept { return waiting_; }

private:
    friend class generator;
    template <class U>
    struct wait;

    void resume() {
        item_ = nullptr;
        waiting_ = false;
        handle::from_promise(*this).resume();
    }

    asio::any_io_executor executor_;
    detail::wake_event* ready_ = nullptr;  ///< null once nobody wants items
    const bool* stopped_ = nullptr;
    unsigned references_ = 0;
    asio::cancellation_signal cancel_;
    const T* item_ = nullptr;
    std::exception_ptr failure_;
    bool waiting_ = false;
};

// The operation keeps the coroutine: a generator that was dropped goes when the operation has.
template <class T>
template <class U>
struct generator<T>::promise_type::wait {
    promise_type& self;
    asio::awaitable<U> operation;
    detail::awaited_value<U> result;
    bool starting = true;

    /// The end of the operation. Or it is destroyed with its context: then it cannot be cancelled
    /// any more, and the coroutine that waits for the generator is destroyed, too.
    class completion {
    public:
        explicit completion(wait& what) : wait_(what), frame_(handle::from_promise(what.self)) {}
        completion(completion&&) noexcept = default;
        ~completion() {
            if (!frame_.get() || wait_.starting) return;
            wait_.self.waiting_ = false;
            detail::wake_event* const ready = wait_.self.ready_;
            {
                const counted_handle last(std::move(frame_));
            }  // that is the generator itself, if it lives
            if (ready != nullptr) ready->drop();
        }
        template <class... What>
        void operator()(What... what) {
            const counted_handle frame(std::move(frame_));
            wait_.result.set(std::move(what)...);
            wait_.finished();
        }

    private:
        wait& wait_;
        counted_handle frame_;
    };

    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<>) {
        self.waiting_ = true;
        try {
            asio::co_spawn(self.executor_, std::move(operation),
                           asio::bind_cancellation_slot(self.cancel_.slot(), completion(*this)));
        } catch (...) {
            self.waiting_ = false;
            throw;
        }
        starting = false;
        return self.waiting_;
    }
    U await_resume() { return result.get(); }

    void finished() {
        self.waiting_ = false;
        promise_type& owner = self;
        if (starting || owner.ready_ == nullptr) return;
        if (*owner.stopped_) return owner.ready_->post(owner.executor_);
        owner.resume();  // after which this is gone
        if (!owner.waiting_ && owner.ready_ != nullptr) owner.ready_->resume();
    }
};

template <class T>
generator<T>::~generator() {
    if (!frame_.get()) return;
    promise_type& p = promise();
    p.ready_ = nullptr;
    if (p.waiting_) p.cancel_.emit(asio::cancellation_type::terminal);
}

}  // namespace remora
