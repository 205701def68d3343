// SPDX-License-Identifier: MIT
/// The options of a call, and the error of a failed call.
#pragma once

#include <remora/error.hpp>
#include <remora/request.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <system_error>

namespace remora {

namespace wire {
struct call_failure;
}
namespace detail {
struct call_failures;
}

/// What a call may be told. Times are durations.
struct call_options {
    /// The time limit from now until the answer, or the last item of the stream; waiting for a turn
    /// counts. When it has passed the call fails with `timed_out`, and the handler on the other
    /// side is cancelled.
    std::chrono::nanoseconds timeout = std::chrono::nanoseconds::max();
};

/// Why a call failed, as far as it says what to do about it.
enum class failure_kind {
    failed = 1,           ///< The handler has thrown: the same call fails again.
    overloaded = 2,       ///< No memory on the other side, or too many calls: try again later.
    unknown_request = 3,  ///< No handler takes this request: an older program, or another service.
    gone = 4,             ///< The conversation is over: whether the handler has run is not known.
    cancelled = 5,        ///< The handler was cancelled, on its own side: it may have done a part.
    timed_out = 6,        ///< Time has passed: the handler is cancelled, it may have done a part.
};

/// "failed", "overloaded", "unknown request"...
std::string to_string(failure_kind kind);

/// The error of a call that has failed, except by its caller's cancelling. what() names the pipe
/// and the type of the request. code() is what the handler's exception had, if that was of the
/// categories `remora`, `generic` or `system`; otherwise it follows from the kind:
/// `handler_failed`, `overloaded`, `unknown_request`, `cancelled`, `timed_out`, and for `gone` what
/// has ended the pipe.
class remote_error : public error {
public:
    /// For the library, and for tests. `context` and `message` become parts of what().
    remote_error(failure_kind kind, std::error_code code, const std::string& context,
                 std::string message = {});

    /// What has happened, and so what to do about it.
    failure_kind kind() const noexcept { return kind_; }
    /// The text of the handler's exception, without that of code(), which what() adds: from the
    /// other process, at most 1024 bytes of it, control characters escaped, in quotes. Empty if
    /// none.
    const std::string& message() const noexcept { return message_; }

private:
    friend struct detail::call_failures;

    failure_kind kind_;
    std::string message_;
    std::shared_ptr<const wire::call_failure> told_;  ///< as it has arrived, to be passed on
};

}  // namespace remora
