// SPDX-License-Identifier: MIT
#include "call/call_failure.hpp"

#include "base/error_text.hpp"
#include "base/exceptions.hpp"

#include <remora/asio.hpp>

#include <memory>
#include <new>
#include <utility>

namespace remora {

std::string to_string(failure_kind kind) {
    switch (kind) {
        case failure_kind::failed:
            return "failed";
        case failure_kind::overloaded:
            return "overloaded";
        case failure_kind::unknown_request:
            return "unknown request";
        case failure_kind::gone:
            return "gone";
        case failure_kind::cancelled:
            return "cancelled";
        case failure_kind::timed_out:
            return "timed out";
    }
    return "unknown";
}

remote_error::remote_error(failure_kind kind, std::error_code code, const std::string& context,
                           std::string message)
    : error(code, message.empty() ? context : context + ": " + message),
      kind_(kind),
      message_(std::move(message)) {
}

namespace detail {
namespace {

failure_kind kind_of(const std::error_code& code) {
    if (code == errc::overloaded) return failure_kind::overloaded;
    if (code == errc::unknown_request) return failure_kind::unknown_request;
    if (code == asio::error::operation_aborted || code == errc::cancelled)
        return failure_kind::cancelled;
    return failure_kind::failed;
}

// Of a failure that has none of its own.
errc code_of(failure_kind kind) {
    switch (kind) {
        case failure_kind::overloaded:
            return errc::overloaded;
        case failure_kind::unknown_request:
            return errc::unknown_request;
        case failure_kind::cancelled:
            return errc::cancelled;
        case failure_kind::timed_out:
            return errc::timed_out;
        case failure_kind::gone:
            return errc::closed;
        default:
            return errc::handler_failed;
    }
}

}  // namespace

wire::call_failure call_failures::of(std::exception_ptr why) try {
    std::rethrow_exception(first_of(why));
} catch (const std::bad_alloc&) {
    return {failure_kind::overloaded, errc::overloaded, "out of memory"};
} catch (const remote_error& e) {  // of a call that the handler has made: nothing of this one
    return {failure_kind::failed, e.code(), e.what()};
} catch (const std::system_error& e) {
    return {kind_of(e.code()), e.code(), e.what()};
} catch (const std::exception& e) {
    return {failure_kind::failed, {}, e.what()};
} catch (...) {
    return {failure_kind::failed, {}, "it has thrown what is no std::exception"};
}

wire::call_failure call_failures::passed(const remote_error& why) {
    return why.told_ ? *why.told_ : wire::call_failure{why.kind(), why.code(), why.what()};
}

remote_error call_failures::to_error(const wire::call_failure& failure,
                                     const std::string& context) {
    const auto kind = failure.known_kind();
    const auto sent = failure.known_code();
    const auto code = sent ? sent : make_error_code(code_of(kind));
    const auto said = without_code(failure.text, code);
    remote_error made(kind, code, context,
                      said.empty() ? "" : quote(said, wire::call_failure::max_text));
    const auto told = std::make_shared<wire::call_failure>(failure);
    if (told->text.size() > told->max_text) told->text.resize(told->max_text);
    made.told_ = told;
    return made;
}

}  // namespace detail
}  // namespace remora
