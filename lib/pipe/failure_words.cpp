// SPDX-License-Identifier: MIT
#include "pipe/failure_words.hpp"

#include "base/trace_file.hpp"
#include "wire/close_reason.hpp"

#include <remora/archive.hpp>
#include <remora/call.hpp>

#include <cstdint>
#include <exception>
#include <new>
#include <optional>
#include <string_view>
#include <system_error>

namespace remora::detail {
namespace {

constexpr std::size_t most_text = 200;

// The record of a failure: wire::call_failure.
struct failure_record {
    std::uint8_t kind = 0, category = 0;
    std::int32_t code = 0;
    std::string text;
};

// None if it is none: whoever receives it finds that out.
std::optional<failure_record> failure_of(std::span<const std::byte> payload) try {
    return decode<failure_record>(payload);
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
            return {"overloaded", "terrible"};
        case failure_kind::unknown_request:
            return {"unknown request", "terrible"};
        case failure_kind::gone:
            return {"gone", "terrible"};
        default:
            return {"failed", "terrible"};
    }
}

// None of a newer peer, or without one.
std::error_code code_of(const failure_record& f) {
    if (f.code == 0) return {};
    switch (f.category) {
        case 1:
            return wire::close_reason::known(f.code);
        case 2:
            return {f.code, std::generic_category()};
        case 3:
            return {f.code, std::system_category()};
        default:
            return {};
    }
}

std::string beginning_of(const std::string& text) {
    return text.size() <= most_text ? text : text.substr(0, most_text) + "...";
}

}  // namespace

end_word end_word_of(const frame_header& answer, std::span<const std::byte> payload) noexcept try {
    if (answer.kind != frame_kind::failure) return {"answered", nullptr};
    const auto found = failure_of(payload);
    return word_of(found ? static_cast<failure_kind>(found->kind) : failure_kind::failed);
} catch (const std::exception&) {
    return word_of(failure_kind::failed);
}

void put_failure(std::string& to, std::span<const std::byte> payload) {
    const auto found = failure_of(payload);
    if (!found) return;
    to += ",\"failure\":{\"kind\":";
    append_json(to, word_of(static_cast<failure_kind>(found->kind)).word);
    if (const auto code = code_of(*found)) {
        to += ",\"code\":";
        append_json(to, std::string(code.category().name()) + ' ' + std::to_string(code.value()) +
                            ": " + code.message());
    }
    to += ",\"text\":";
    append_json(to, beginning_of(found->text));
    to += '}';
}

}  // namespace remora::detail
