// SPDX-License-Identifier: MIT
/// Exceptions of coroutines: of those that were cancelled, and those that are told elsewhere.
#pragma once

#include <remora/asio.hpp>

#include <exception>

namespace remora::detail {

/// What `make` returns; if that fails, as for want of memory, why it does.
template <class Make>
std::exception_ptr exception_of(Make make) noexcept try {
    return std::make_exception_ptr(make());
} catch (...) {
    return std::current_exception();
}

/// Throws what Asio's own operations do, if the coroutine whose state this is was cancelled.
inline void throw_if_cancelled(const asio::cancellation_state& state) {
    if (state.cancelled() != asio::cancellation_type::none)
        throw std::system_error(asio::error::operation_aborted);
}

/// The first of the exceptions that Asio's `&&` and `||` stand for; anything else is itself.
inline std::exception_ptr first_of(std::exception_ptr why) noexcept try {
    if (why) std::rethrow_exception(why);
    return why;
} catch (const asio::multiple_exceptions& e) {
    return first_of(e.first_exception());
} catch (...) {
    return why;
}

}  // namespace remora::detail
