// SPDX-License-Identifier: MIT
/// Exceptions that are kept, to be told elsewhere.
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
