// SPDX-License-Identifier: MIT
/// The kinds of values on the wire.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>

namespace remora::detail {

/// What stands before a value: one byte that tells how to read what follows. lib/wire/protocol.md
/// has the layout of each. They never change their number. A number's low digit is its width in
/// bytes.
enum class kind : std::uint8_t {
    boolean = 0x01,
    i8 = 0x11,
    i16 = 0x12,
    i32 = 0x14,
    i64 = 0x18,
    u8 = 0x21,
    u16 = 0x22,
    u32 = 0x24,
    u64 = 0x28,
    f32 = 0x34,
    f64 = 0x38,
    bytes = 0x40,
    list = 0x41,
    map = 0x42,
    optional = 0x43,
    variant = 0x44,
    tuple = 0x45,
    record = 0x46,
    duration = 0x47,
    /// Stands only at the head of a record: the version of its class.
    version = 0x48,
    time_point = 0x49,
};

/// In the place of the count of `bytes`: the number of a loan follows, and the bytes are there.
inline constexpr std::uint32_t of_a_loan = 0xffff'ffff;

/// The word for a kind in texts, "i32"; for a number that is none, "kind 0x99".
std::string text_of(kind value);

static_assert(std::endian::native == std::endian::little,
              "remora: the wire is little-endian, and so must the machine be");
static_assert(std::numeric_limits<float>::is_iec559 && std::numeric_limits<double>::is_iec559,
              "remora: f32 and f64 are IEEE 754 numbers");

template <class>
inline constexpr bool always_false = false;

/// Text-like units are unsigned on the wire, whatever the platform makes of `char`.
template <class T>
inline constexpr bool is_unsigned_on_wire =
    std::is_unsigned_v<T> || std::is_same_v<T, char> || std::is_same_v<T, std::byte>;

template <class T>
consteval kind kind_of_number() {
    if constexpr (std::is_same_v<T, bool>)
        return kind::boolean;
    else if constexpr (std::is_floating_point_v<T>)
        return static_cast<kind>(0x30 | sizeof(T));
    else
        return static_cast<kind>((is_unsigned_on_wire<T> ? 0x20 : 0x10) | sizeof(T));
}

}  // namespace remora::detail
