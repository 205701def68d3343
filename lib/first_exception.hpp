// SPDX-License-Identifier: MIT
/// What is to be told where several operations have failed together.
#pragma once

#include <remora/asio.hpp>

#include <exception>

namespace remora::detail {

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
