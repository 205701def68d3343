// SPDX-License-Identifier: MIT
/// Bytes as text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace test {

using bytes = std::vector<std::byte>;

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
