// SPDX-License-Identifier: MIT
/// What the tests of the archive share: bytes to look at, and short ways there and back.
#pragma once

#include <remora/archive.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "support.hpp"

namespace test {

using bytes = std::vector<std::byte>;

template <class T>
bytes encoded(const T& value) {
    remora::byte_buffer out;
    remora::encode(out, value);
    return {out.data(), out.data() + out.size()};
}

/// What a reader makes of a value that a writer, perhaps of another version, has sent.
template <class Reader, class Writer>
Reader read_as(const Writer& value) {
    return remora::decode<Reader>(encoded(value));
}

template <class T>
T round_trip(const T& value) {
    return read_as<T>(value);
}

/// What decoding as T throws.
template <class T>
failure decode_failure(const bytes& in, const remora::decode_limits& limits = {}) {
    return failure_of([&] { remora::decode<T>(in, limits); });
}

template <class Reader, class Writer>
failure read_failure(const Writer& value) {
    return decode_failure<Reader>(encoded(value));
}

/// Bytes from text such as "14 feffffff"; spaces are for the reader.
inline bytes from_hex(std::string_view text) {
    auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
    bytes out;
    for (std::size_t i = 0; i < text.size();) {
        if (text[i] == ' ') {
            ++i;
        } else {
            out.push_back(static_cast<std::byte>(digit(text[i]) * 16 + digit(text[i + 1])));
            i += 2;
        }
    }
    return out;
}

inline std::string to_hex(const bytes& in) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string out;
    for (std::byte b : in) {
        out += digits[std::to_integer<unsigned>(b) >> 4];
        out += digits[std::to_integer<unsigned>(b) & 15];
    }
    return out;
}

}  // namespace test
