// SPDX-License-Identifier: MIT
/// Numbers for people: three digits and a unit.
#pragma once

#include <string>
#include <string_view>

namespace bench {

std::string duration(double nanoseconds);  ///< 1.23 µs
std::string rate(double per_second);       ///< 12.3 M
std::string memory(double bytes);          ///< 15.8 KiB
std::string ratio(double value);           ///< 1.25

/// As wide as asked for, counted in characters of UTF-8.
std::string left(std::string_view text, std::size_t width);
std::string right(std::string_view text, std::size_t width);

std::size_t width_of(std::string_view text);

}  // namespace bench
