// SPDX-License-Identifier: MIT
#include <remora/error.hpp>

#include "base/error_text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace remora {
namespace {

const char* text_of(errc code) {
    switch (code) {
        case errc::no_server:
            return "no server";
        case errc::server_gone:
            return "the server is gone";
        case errc::app_gone:
            return "the app is gone";
        case errc::refused:
            return "refused by the server";
        case errc::version_mismatch:
            return "the versions do not match: update the older side";
        case errc::start_timeout:
            return "the app did not say hello within start_timeout";
        case errc::no_such_pipe:
            return "no such pipe";
        case errc::bad_name:
            return "invalid name of a pipe";
        case errc::closed:
            return "the pipe is closed";
        case errc::broken_pipe:
            return "the pipe is broken";
        case errc::receive_in_progress:
            return "another receive, or the reader of calls, is in progress";
        case errc::timed_out:
            return "timed out";
        case errc::type_mismatch:
            return "the message is of another type";
        case errc::field_mismatch:
            return "a field is of another kind";
        case errc::truncated:
            return "the value is truncated";
        case errc::bad_value:
            return "invalid value";
        case errc::over_budget:
            return "the value needs more memory or time than decode_limits allow";
        case errc::too_deep:
            return "the value is nested too deeply";
        case errc::message_too_large:
            return "the message is too large";
        case errc::protocol_error:
            return "the other end does not keep to the protocol";
        case errc::service_failed:
            return "the service failed";
        case errc::stopping:
            return "the server is stopping";
        case errc::already_running:
            return "an app is running already, or its services have not ended";
        case errc::overloaded:
            return "overloaded, try again later";
        case errc::no_transport:
            return "no transport that both sides could use";
        case errc::handler_failed:
            return "the handler failed";
        case errc::unknown_request:
            return "unknown request";
        case errc::cancelled:
            return "cancelled at the other end";
        case errc::bad_option:
            return "invalid option";
    }
    return "unknown error";
}

class remora_category final : public std::error_category {
public:
    const char* name() const noexcept override { return "remora"; }
    std::string message(int code) const override { return text_of(static_cast<errc>(code)); }
};

void append_escaped(std::string& out, unsigned char c) {
    static constexpr std::array digits{'0', '1', '2', '3', '4', '5', '6', '7',
                                       '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'};
    if (c == '"' || c == '\\') {
        out += '\\';
        out += static_cast<char>(c);
    } else if (c == '\n') {
        out += "\\n";
    } else if (c < 0x20 || c >= 0x7f) {
        out += "\\x";
        out += digits[c >> 4];
        out += digits[c & 15];
    } else {
        out += static_cast<char>(c);
    }
}

}  // namespace

const std::error_category& category() noexcept {
    static const remora_category instance;
    return instance;
}

std::error_code make_error_code(errc code) noexcept {
    return {static_cast<int>(code), category()};
}

error::error(std::error_code code, const std::string& context) : std::system_error(code, context) {
}

error::error(const error& inner, const std::string& outer)
    : std::system_error(inner.code(), outer + inner.context()) {
}

std::string error::context() const {
    return std::string(detail::without_code(what(), code()));
}

std::string quote(std::string_view text, std::size_t limit) {
    std::string out = "\"";
    for (unsigned char c : text.substr(0, limit))
        append_escaped(out, c);
    out += text.size() > limit ? "...\"" : "\"";
    return out;
}

namespace detail {

std::string_view without_code(std::string_view text, const std::error_code& code) {
    const auto end = code.message();
    if (!text.ends_with(end)) return text;
    text.remove_suffix(end.size());
    if (text.ends_with(": ")) text.remove_suffix(2);
    return text;
}

std::string duration_text(std::chrono::nanoseconds time) {
    struct unit {
        std::int64_t length;
        const char* name;
    };
    static constexpr std::array units{unit{1'000'000'000, " s"}, unit{1'000'000, " ms"},
                                      unit{1'000, " us"}, unit{1, " ns"}};
    const auto length = time.count();
    const auto fits = std::ranges::find_if(units, [&](unit u) { return length >= u.length; });
    const unit best = fits == units.end() ? units.back() : *fits;
    std::string text = std::to_string(length / best.length);
    if (const auto rest = length % best.length * 1000 / best.length; rest != 0) {
        const std::string digits = std::to_string(1000 + rest);
        text += '.' + digits.substr(1, digits.find_last_not_of('0'));
    }
    return text + best.name;
}

void throw_error(errc code, const std::string& context) {
    throw error(code, context);
}

void throw_system_error(int error_number, const std::string& context) {
    throw error({error_number, std::system_category()}, context);
}

}  // namespace detail
}  // namespace remora
