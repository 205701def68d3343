// SPDX-License-Identifier: MIT
/// The executor of a handler's coroutine. Not for users.
#pragma once

#include <remora/asio.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>

namespace remora::detail {

class pipe_end;

/// The call that a handler's coroutine serves, and the executor of its pipe.
struct call_context {
    static constexpr auto no_limit = std::chrono::steady_clock::time_point::max();

    explicit call_context(const asio::any_io_executor& of_pipe);

    asio::any_io_executor executor;
    asio::any_io_executor posting;                           ///< the same, with blocking.never
    pipe_end* end = nullptr;                                 ///< null while there is no call
    std::uint64_t id = 0;                                    ///< of the call
    std::chrono::steady_clock::time_point until = no_limit;  ///< the deadline of the call
};

/// The pipe's executor, with a pointer to the call that is served. call_context_of() finds the call
/// from the executor of the handler's coroutine, and of what is spawned on it.
template <bool posts>
class call_executor {
public:
    explicit call_executor(std::shared_ptr<const call_context> what) noexcept
        : what_(std::move(what)) {}

    asio::execution_context& query(asio::execution::context_t) const {
        return asio::query(what_->executor, asio::execution::context);
    }
    call_executor<true> require(asio::execution::blocking_t::never_t) const noexcept {
        return call_executor<true>(what_);
    }
    call_executor<false> require(asio::execution::blocking_t::possibly_t) const noexcept {
        return call_executor<false>(what_);
    }
    template <class Function>
    void execute(Function&& f) const {
        (posts ? what_->posting : what_->executor).execute(std::forward<Function>(f));
    }
    bool operator==(const call_executor&) const noexcept = default;

    const call_context* context() const noexcept { return what_.get(); }

private:
    std::shared_ptr<const call_context> what_;
};

/// False as long as no handler of this program has been a coroutine.
bool has_handler_coroutines() noexcept;
/// Null if the executor is no handler's.
const call_context* call_context_of(const asio::any_io_executor& executor) noexcept;

}  // namespace remora::detail
