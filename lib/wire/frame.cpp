// SPDX-License-Identifier: MIT
#include <remora/detail/wire/frame.hpp>

#include <remora/error.hpp>

#include <bit>
#include <cstring>
#include <string>

namespace remora::detail {
namespace {

static_assert(std::endian::native == std::endian::little,
              "the wire is little-endian; a big-endian machine needs the bytes swapped here");

constexpr std::uint8_t known_flags = frame_header::named | frame_header::may_skip |
                                     frame_header::of_sender | frame_header::joined |
                                     frame_header::lends | frame_header::idempotent;

[[noreturn]] void fail_too_large(std::size_t length, std::size_t limit) {
    throw_error(errc::message_too_large, "a frame of " + std::to_string(length) +
                                             " bytes was announced, the limit is " +
                                             std::to_string(limit));
}

// The name of a frame that comes in pieces is in the first of them.
bool begins_with_name(const frame_header& header) noexcept {
    constexpr std::uint8_t either = frame_header::named | frame_header::joined;
    return (header.flags & either) == frame_header::named;
}

frame_header load_checked(const std::byte* from, std::size_t limit) {
    const frame_header header = frame_header::load(from);
    const bool garbage =
        header.kind == frame_kind{} || (header.flags & ~known_flags) != 0 || header.reserved != 0;
    if (garbage) [[unlikely]]
        throw_error(errc::protocol_error, "a frame header with unknown bits");
    if (header.length > limit) [[unlikely]] {
        const bool named = begins_with_name(header);
        if (!named || header.length > limit + 1 + max_type_name)
            fail_too_large(header.length, limit);
    }
    return header;
}

// Once: the sender may still write there.
std::size_t load_byte(const std::byte* from) noexcept {
    auto value = std::to_integer<std::uint8_t>(*from);
    asm volatile("" : "+r"(value));
    return value;
}

// After the name the value is no longer than any other.
void split_name(frame& f, std::size_t limit) {
    const std::size_t length = f.payload.empty() ? 0 : load_byte(f.payload.data());
    if (length == 0 || length + 1 > f.payload.size()) [[unlikely]] {
        throw_error(errc::protocol_error, "a frame with a name that does not fit into it");
    }
    f.type_name = {reinterpret_cast<const char*>(f.payload.data()) + 1, length};
    f.payload = f.payload.subspan(1 + length);
    if (f.payload.size() > limit) [[unlikely]]
        fail_too_large(f.payload.size(), limit);
}

}  // namespace

frame join_frame(const frame& last, std::span<const std::byte> payload, std::size_t limit) {
    frame whole{.header = last.header, .type_name = {}, .payload = payload};
    whole.header.length = static_cast<std::uint32_t>(payload.size());
    if ((whole.header.flags & frame_header::named) != 0) {
        split_name(whole, limit);
    } else if (payload.size() > limit) [[unlikely]] {
        fail_too_large(payload.size(), limit);
    }
    return whole;
}

void split_loans(frame& f) {
    std::uint32_t count = 0;
    const std::size_t size = f.payload.size();
    if (size >= sizeof count) {
        std::memcpy(&count, f.payload.data() + size - sizeof count, sizeof count);
        asm volatile("" : "+r"(count));
    }
    const std::size_t table = loan::size_in_table * count;
    if (count == 0 || count > most_loans || table > size - sizeof count)
        throw_error(errc::protocol_error, "a frame that lends, with a table of " +
                                              std::to_string(count) + " loans in " +
                                              std::to_string(size) + " bytes");
    f.loans = f.payload.subspan(size - sizeof count - table, table);
    f.payload = f.payload.first(size - sizeof count - table);
}

bool parse_frame(std::span<const std::byte> bytes, std::size_t limit, std::size_t& wanted,
                 frame& into) {
    wanted = frame_header::size;
    if (bytes.size() < wanted) return false;
    into.header = load_checked(bytes.data(), limit);
    wanted += into.header.length;
    if (bytes.size() < wanted) return false;
    into.payload = bytes.subspan(frame_header::size, into.header.length);
    into.type_name = {};
    into.loans = {};
    if (begins_with_name(into.header)) [[unlikely]]
        split_name(into, limit);
    return true;
}

}  // namespace remora::detail
