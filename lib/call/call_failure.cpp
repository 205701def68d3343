// SPDX-License-Identifier: MIT
#include "call/call_failure.hpp"

#include "base/error_text.hpp"
#include "base/exceptions.hpp"
#include "wire/close_reason.hpp"

#include <remora/asio.hpp>

#include <new>

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

namespace wire {
namespace {

failure_kind kind_of(const std::error_code& code) {
    if (code == errc::overloaded) return failure_kind::overloaded;
    if (code == errc::unknown_request) return failure_kind::unknown_request;
    if (code == asio::error::operation_aborted || code == errc::cancelled)
        return failure_kind::cancelled;
    return failure_kind::failed;
}

}  // namespace

call_failure::call_failure(failure_kind what, std::error_code why, std::string message)
    : kind(static_cast<std::uint8_t>(what)), text(std::move(message)) {
    if (text.size() > max_text) text.resize(max_text);
    set(why);
}

void call_failure::set(std::error_code why) {
    category = !why                                        ? no_code
               : why.category() == remora::category()      ? of_remora
               : why.category() == std::generic_category() ? of_generic
               : why.category() == std::system_category()  ? of_system
                                                           : no_code;
    code = category == no_code ? 0 : why.value();
}

call_failure call_failure::of(std::exception_ptr why) try {
    std::rethrow_exception(detail::first_of(why));
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

call_failure call_failure::passed(const remote_error& why) {
    return why.told_ ? *why.told_ : call_failure{why.kind(), why.code(), why.what()};
}

std::error_code call_failure::to_code(failure_kind what) const {
    switch (code == 0 ? std::uint8_t{no_code} : category) {
        case of_generic:
            return {code, std::generic_category()};
        case of_system:
            return {code, std::system_category()};
        case of_remora:
            if (const auto known = close_reason::known(code)) return known;
            break;
        default:
            break;
    }
    switch (what) {
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

remote_error call_failure::to_error(const std::string& context) const {
    const bool is_known = kind >= static_cast<std::uint8_t>(failure_kind::failed) &&
                          kind <= static_cast<std::uint8_t>(failure_kind::timed_out);
    const auto what = is_known ? static_cast<failure_kind>(kind) : failure_kind::failed;
    const auto known = to_code(what);
    const auto said = detail::without_code(text, known);
    remote_error made(what, known, context, said.empty() ? "" : quote(said, max_text));
    const auto told = std::make_shared<call_failure>(*this);
    if (told->text.size() > max_text) told->text.resize(max_text);
    made.told_ = told;
    return made;
}

}  // namespace wire
}  // namespace remora
