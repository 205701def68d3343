// SPDX-License-Identifier: MIT
#include <remora/detail/call/calls_state.hpp>

#include "base/exceptions.hpp"
#include "call/call_failure.hpp"

#include <remora/detail/call/pipe_end.hpp>

#include <new>
#include <string>

namespace remora::detail {

void calls_state::end(std::exception_ptr why) noexcept {
    is_over_ = true;
    if (!why_) why_ = why;
}

void calls_state::fail(std::exception_ptr why) noexcept try {
    if (is_over_ || why_) return;
    why_ = why;
    end_.close(errc::service_failed, call_failures::of(why).text);
} catch (const std::bad_alloc&) {
    end_.close(errc::service_failed, "");
}

void calls_state::end_out_of_memory() noexcept {
    end_.close(errc::overloaded, "out of memory");
}

void calls_state::rethrow() const {
    if (why_) std::rethrow_exception(why_);
}

remote_error calls_state::why_gone(std::string_view request) const {
    const std::string what = std::string(request) + ": ";
    try {
        rethrow();
    } catch (const error& e) {
        return {failure_kind::gone, e.code(), what + e.context()};
    } catch (const std::exception& e) {
        return {failure_kind::gone, errc::closed, what + e.what()};
    } catch (...) {
        return {failure_kind::gone, errc::service_failed, what + "a handler has thrown"};
    }
    return {failure_kind::gone, errc::closed, what + end_.context() + "the conversation is over"};
}

std::exception_ptr calls_state::gone_exception(std::string_view request) const noexcept {
    return exception_of([&] { return why_gone(request); });
}

// The first call that the end of the conversation fails may cancel others, which are awaited
// together with it.
std::exception_ptr calls_state::why_cancelled(std::string_view request) const noexcept {
    if (is_over_) return gone_exception(request);
    return exception_of([] { return std::system_error(asio::error::operation_aborted); });
}

}  // namespace remora::detail
