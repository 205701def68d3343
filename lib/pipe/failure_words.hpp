// SPDX-License-Identifier: MIT
/// What a trace says of how a call has ended, and why it has failed.
#pragma once

#include <remora/detail/wire/frame.hpp>

#include <cstddef>
#include <span>
#include <string>

namespace remora::detail {

/// How a call has ended, and a color of Chrome's for that; null: the usual one.
struct end_word {
    const char* word;
    const char* color;
};
/// By its answer.
end_word end_word_of(const frame_header& answer, std::span<const std::byte> payload) noexcept;

/// Appends to the members of a JSON object that of a failure: its kind, its code if it has one, and
/// the beginning of its text. Nothing, if the payload is none of a failure.
void put_failure(std::string& to, std::span<const std::byte> payload);

}  // namespace remora::detail
