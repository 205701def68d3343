// SPDX-License-Identifier: MIT
/// From an exception to the record of a failed call, and back.
#pragma once

#include "wire/call_failure.hpp"

#include <remora/call.hpp>

#include <exception>
#include <string>

namespace remora::detail {

struct call_failures {
    /// Of what a handler has thrown.
    static wire::call_failure of(std::exception_ptr why);
    /// Of a call that was passed on: what has arrived, if it has, otherwise what was found here.
    static wire::call_failure passed(const remote_error& why);

    static remote_error to_error(const wire::call_failure& failure, const std::string& context);
};

}  // namespace remora::detail
