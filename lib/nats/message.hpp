// SPDX-License-Identifier: MIT
/// What gateway and worker say to each other, in bytes: see protocol.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace remora::nats {

enum class message_kind : std::uint8_t {
    request = 1,
    message = 2,       ///< a plain one, which is not answered
    introduction = 3,  ///< of the worker that serves the call: where it is spoken to
    reply = 4,
    done = 5,  ///< the end of the call without a reply, or of its items
    failure = 6,
    item = 7,
    end = 8,     ///< of an upload; the call goes on
    credit = 9,  ///< for items
    cancel = 10,
    beat = 11,  ///< which calls the sender has
};

/// Bytes before the name: the kind, the sequence, the number, and how long the name is.
inline constexpr std::size_t header_size = 1 + 4 + 8 + 1;

/// Refers to the bytes of which it was read.
struct message {
    message_kind kind{};
    std::uint32_t sequence = 0;
    std::uint64_t number = 0;  ///< what it is depends on the kind
    std::string_view name = {};
    std::span<const std::byte> body = {};
};

/// Puts it into `into`, instead of what was there.
void write(std::vector<std::byte>& into, const message& what);
/// Nothing if the bytes are none: an unknown kind, a value without a name, or too few.
std::optional<message> read(std::span<const std::byte> bytes);

/// The numbers in the body of a beat.
std::vector<std::uint64_t> numbers_of(const message& beat);
std::vector<std::byte> to_body(std::span<const std::uint64_t> numbers);

}  // namespace remora::nats
