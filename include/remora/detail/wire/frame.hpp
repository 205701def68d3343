// SPDX-License-Identifier: MIT
/// Frames: what messages travel in. Bytes to frames and back, no input or output.
/// lib/wire/protocol.md has the layout, field by field.
#pragma once

#include <remora/detail/base/standard.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include <remora/detail/wire/archive/type_name.hpp>

namespace remora::detail {

/// What a frame is for. Numbers are the wire's and never change.
enum class frame_kind : std::uint8_t {
    // on every pipe
    open = 1,     ///< the client's first frame
    message = 2,  ///< one typed value
    close = 3,    ///< the sender's last frame: a clean end, or why not
    // on the control pipe
    hello = 16,
    welcome = 17,
    refused = 18,
    connect = 19,
    connected = 20,
    rejected = 21,
    withdraw = 22,
    goodbye = 23,
    list = 24,
    listed = 25,
    // calls, on a connection
    request = 32,  ///< a call
    reply = 33,    ///< its answer, the last frame of a call
    failure = 34,  ///< the answer of a call that has failed
    cancel = 35,   ///< nobody waits for the answer any more
    item = 36,     ///< of a stream
    end = 37,      ///< a stream ends; from who serves it, it is the answer
    credit = 38,   ///< so much more may come
    window = 39,   ///< so many calls may be unanswered
    /// Before the request of a call: how long its caller waits. May be skipped.
    time_left = 40,
    piece = 41,  ///< bytes of the payload of a frame whose last part is still to come
};

/// How many frames of a direction have carried something of the user's.
struct frame_counts {
    std::uint64_t messages = 0, items = 0;

    void add(frame_kind kind) noexcept {
        if (kind == frame_kind::message) ++messages;
        if (kind == frame_kind::item) ++items;
    }
    void remove(frame_kind kind) noexcept {
        if (kind == frame_kind::message) --messages;
        if (kind == frame_kind::item) --items;
    }
};

struct frame_header {
    /// The payload begins with the name of the type: a length byte and that many characters.
    static constexpr std::uint8_t named = 1;
    /// A receiver that does not know the kind of this frame passes over it.
    static constexpr std::uint8_t may_skip = 2;
    /// The call that this frame belongs to was made by its sender.
    static constexpr std::uint8_t of_sender = 4;
    /// The payload begins in the pieces that came before.
    static constexpr std::uint8_t joined = 8;
    /// The payload ends with the table of what the frame lends.
    static constexpr std::uint8_t lends = 16;
    /// The request may be served twice.
    static constexpr std::uint8_t idempotent = 32;

    static constexpr std::size_t size = 24;

    std::uint32_t length = 0;  ///< of the payload, in bytes
    frame_kind kind{};
    std::uint8_t flags = 0;
    std::uint16_t reserved = 0;  ///< 0 in every frame
    std::uint64_t id = 0;
    std::uint64_t tag = 0;

    /// Reads one where a sender may still write: each byte once.
    static frame_header load(const std::byte* from) noexcept {
        const auto first = load_word(from);
        return {.length = static_cast<std::uint32_t>(first),
                .kind = static_cast<frame_kind>(first >> 32 & 0xff),
                .flags = static_cast<std::uint8_t>(first >> 40 & 0xff),
                .reserved = static_cast<std::uint16_t>(first >> 48),
                .id = load_word(from + 8),
                .tag = load_word(from + 16)};
    }
    /// Writes the header's 24 bytes to `to`.
    void store(std::byte* to) const noexcept {
        const std::uint64_t first = length | std::uint64_t{static_cast<std::uint8_t>(kind)} << 32 |
                                    std::uint64_t{flags} << 40;
        std::memcpy(to, &first, sizeof first);
        std::memcpy(to + 8, &id, sizeof id);
        std::memcpy(to + 16, &tag, sizeof tag);
    }

    static std::uint64_t load_word(const std::byte* from) noexcept {
        std::uint64_t word;
        std::memcpy(&word, from, sizeof word);
        asm volatile("" : "+r"(word));
        return word;
    }
};

/// A whole frame where it was received. Refers to the bytes that it was read from.
struct frame {
    frame_header header;
    std::string_view type_name;          ///< empty unless the frame is `named`
    std::span<const std::byte> payload;  ///< without the name
    std::span<const std::byte> loans{};  ///< the table, once it was split off the payload

    std::size_t size() const noexcept { return frame_header::size + header.length; }
};

/// A block that a frame lends, as the table of its frame has it. Each block of an end that is in
/// use has a slot of its own; `generation` counts the blocks that this slot has had.
struct loan {
    static constexpr std::size_t size_in_table = 24;

    std::uint32_t slot = 0;
    std::uint32_t generation = 0;
    std::uint64_t offset = 0;
    std::uint64_t size = 0;

    /// Reads one where a sender may still write: each byte once.
    static loan load(const std::byte* from) noexcept {
        const std::uint64_t first = frame_header::load_word(from);
        return {.slot = static_cast<std::uint32_t>(first),
                .generation = static_cast<std::uint32_t>(first >> 32),
                .offset = frame_header::load_word(from + 8),
                .size = frame_header::load_word(from + 16)};
    }
    void store(std::byte* to) const noexcept { std::memcpy(to, this, size_in_table); }
};
static_assert(sizeof(loan) == loan::size_in_table);

/// How many blocks of an end may be in use: so many slots it has, and so many loans a table.
inline constexpr std::size_t most_loans = 256;

/// Takes the table of loans off the payload of a frame that `lends`. Throws protocol_error for what
/// is none.
void split_loans(frame& f);

/// A direction of a pipe carries fewer names of types than this. A peer normally has a few dozen.
inline constexpr std::size_t most_names = 4096;

/// A buffer that one large frame has made larger than this is given back.
inline constexpr std::size_t keep_capacity = 4u << 20;

/// The frame whose last part was read, with the whole of its payload: that of its pieces and its
/// own. Throws as parse_frame() does.
frame join_frame(const frame& last, std::span<const std::byte> payload, std::size_t limit);

/// Reads the frame at the start of `bytes`. False while it is not whole; `wanted` is then the
/// number of bytes that it needs, as far as that is known. Throws `protocol_error` for bytes that
/// are no frame and `message_too_large` for a frame whose value is longer than `limit`. `into` has
/// something of use only where it is true.
bool parse_frame(std::span<const std::byte> bytes, std::size_t limit, std::size_t& wanted,
                 frame& into);
/// The same: nullopt while it is not whole.
inline std::optional<frame> parse_frame(std::span<const std::byte> bytes, std::size_t limit,
                                        std::size_t& wanted) {
    std::optional<frame> found(std::in_place);
    if (!parse_frame(bytes, limit, wanted, *found)) found.reset();
    return found;
}

}  // namespace remora::detail
