// SPDX-License-Identifier: MIT
#include "units.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <span>

namespace bench {

namespace {

std::string printed(const char* format, double value) {
    std::array<char, 32> text;
    const int size = std::snprintf(text.data(), text.size(), format, value);
    return {text.data(), static_cast<std::size_t>(size)};
}

std::string three_digits(double value) {
    if (value < 0.0995) return printed("%.2g", value);
    if (value < 9.995) return printed("%.2f", value);
    return printed(value < 99.95 ? "%.1f" : "%.0f", value);
}

std::string in_units(double value, double step, std::span<const char* const> units) {
    std::size_t unit = 0;
    for (; value >= 999.5 && unit + 1 < units.size(); ++unit)
        value /= step;
    return (unit == 0 ? printed("%.3g", value) : three_digits(value)) + units[unit];
}

}  // namespace

std::string duration(double nanoseconds) {
    return in_units(nanoseconds, 1000, std::array{" ns", " µs", " ms", " s"});
}

std::string rate(double per_second) {
    return in_units(per_second, 1000, std::array{"", " k", " M", " G"});
}

std::string memory(double bytes) {
    return in_units(bytes, 1024, std::array{" B", " KiB", " MiB", " GiB"});
}

std::string ratio(double value) {
    return three_digits(value);
}

std::size_t width_of(std::string_view text) {
    const auto starts_character = [](char byte) { return (byte & 0xc0) != 0x80; };
    return static_cast<std::size_t>(std::ranges::count_if(text, starts_character));
}

std::string left(std::string_view text, std::size_t width) {
    return std::string{text} + std::string(width - std::min(width, width_of(text)), ' ');
}

std::string right(std::string_view text, std::size_t width) {
    return std::string(width - std::min(width, width_of(text)), ' ') + std::string{text};
}

}  // namespace bench
