// SPDX-License-Identifier: MIT
/// What frames are called in a trace, and which of them belong to a call.
#pragma once

#include <remora/detail/wire/frame.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace remora::detail {

/// "request", "reply"...
std::string word_of(frame_kind kind);

bool has(const frame_header& header, std::uint8_t flag) noexcept;
bool is_of_a_call(const frame_header& header) noexcept;
/// The last frame of a call.
bool is_answer(const frame_header& header) noexcept;
/// Whether the call is one of the end that has sent this frame.
bool is_call_of_sender(const frame_header& header) noexcept;

/// What a frame carries after the name of its type, if that comes along.
std::span<const std::byte> without_name(const frame_header& header,
                                        std::span<const std::byte> payload) noexcept;

}  // namespace remora::detail
