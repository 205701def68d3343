// SPDX-License-Identifier: MIT
#include "pipe/failure_words.hpp"

#include "base/trace_file.hpp"
#include "wire/call_failure.hpp"

#include <remora/archive.hpp>
#include <remora/call.hpp>

#include <exception>
#include <new>
#include <optional>
#include <string_view>
#include <system_error>

namespace remora::detail {
namespace {

constexpr std::size_t most_text = 200;

// None if it is none: whoever receives it finds that out.
std::optional<wire::call_failure> failure_of(std::span<const std::byte> payload) try {
    return decode<wire::call_failure>(payload);
} catch (const error&) {
    return std::nullopt;
}

end_word word_of(failure_kind kind) noexcept {
    switch (kind) {
        case failure_kind::cancelled:
            return {"cancelled", "grey"};
        case failure_kind::timed_out:
            return {"timed out", "bad"};
        case failure_kind::overloaded:
            return {"overloaded", "yellow"};
        case failure_kind::unknown_request:
            return {"unknown request", "yellow"};
        case failure_kind::gone:
            return {"gone", "terrible"};
        default:
            return {"failed", "terrible"};
    }
}

std::string beginning_of(const std::string& text) {
    return text.size() <= most_text ? text : text.substr(0, most_text) + "...";
}

}  // namespace

end_word end_word_of(const frame_header& answer, std::span<const std::byte> payload) noexcept try {
    if (answer.kind != frame_kind::failure) return {"answered", nullptr};
    const auto found = failure_of(payload);
    return word_of(found ? found->known_kind() : failure_kind::failed);
} catch (const std::exception&) {
    return word_of(failure_kind::failed);
}

void put_failure(std::string& to, std::span<const std::byte> payload) {
    const auto found = failure_of(payload);
    if (!found) return;
    to += ",\"failure\":{\"kind\":";
    append_json(to, word_of(found->known_kind()).word);
    if (const auto code = found->known_code()) {
        to += ",\"code\":";
        append_json(to, std::string(code.category().name()) + ' ' + std::to_string(code.value()) +
                            ": " + code.message());
    }
    to += ",\"text\":";
    append_json(to, beginning_of(found->text));
    to += '}';
}

}  // namespace remora::detail
