// SPDX-License-Identifier: MIT
#include "lines.hpp"

#include <cstdio>
#include <ctime>
#include <stdexcept>

namespace notes {

namespace {

constexpr const char* time_format = "%Y-%m-%dT%H:%M:%SZ";

std::string unescaped(const std::string& text) {
    std::string plain;
    for (std::size_t i = 0; i != text.size(); ++i) {
        if (text[i] != '\\') {
            plain += text[i];
            continue;
        }
        const char next = ++i == text.size() ? '\0' : text[i];
        if (next == 'n')
            plain += '\n';
        else if (next == 'r')
            plain += '\r';
        else if (next == '\\')
            plain += '\\';
        else
            throw std::invalid_argument("a backslash is not followed by n, r or a backslash");
    }
    return plain;
}

std::string formatted(std::int64_t time, const char* format,
                      std::tm* (*take)(const std::time_t*, std::tm*)) {
    const std::time_t seconds = time;
    std::tm parts{};
    char text[64] = "?";
    if (take(&seconds, &parts) != nullptr) std::strftime(text, sizeof text, format, &parts);
    return text;
}

// How many bytes the control character has that begins here; 0: there is none. U+0080 to U+009F
// are C2 80 to C2 9F.
int control_at(const std::string& text, std::size_t at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte < 0x20 || byte == 0x7f) return 1;
    if (byte != 0xc2 || at + 1 == text.size()) return 0;
    const auto next = static_cast<unsigned char>(text[at + 1]);
    return next >= 0x80 && next < 0xa0 ? 2 : 0;
}

}  // namespace

std::string to_line(const note& what) {
    std::string line = formatted(what.time, time_format, ::gmtime_r) + '\t';
    for (const char c : what.text) {
        if (c == '\n')
            line += "\\n";
        else if (c == '\r')
            line += "\\r";
        else if (c == '\\')
            line += "\\\\";
        else
            line += c;
    }
    return line;
}

note from_line(const std::string& line) {
    std::tm parts{};
    const char* end = ::strptime(line.c_str(), time_format, &parts);
    if (end == nullptr || *end != '\t')
        throw std::invalid_argument("it does not begin as 2026-11-30T07:30:04Z and a tab");
    note read;
    read.time = ::timegm(&parts);
    read.text = unescaped(line.substr(static_cast<std::size_t>(end - line.c_str()) + 1));
    if (read.text.size() > longest_text) throw std::invalid_argument("the text is too long");
    return read;
}

std::string shown(const note& what, bool with_time) {
    char number[32];
    std::snprintf(number, sizeof number, "%4lld  ", static_cast<long long>(what.id));
    std::string line = number;
    if (with_time) line += formatted(what.time, "%Y-%m-%d %H:%M  ", ::localtime_r);
    const std::string indent(line.size(), ' ');
    const std::string& text = what.text;
    for (std::size_t i = 0; i != text.size(); ++i) {
        const auto control = control_at(text, i);
        if (text[i] == '\n')
            line += '\n' + indent;
        else
            line += control == 0 ? text[i] : '?';
        if (control == 2) ++i;
    }
    return line;
}

}  // namespace notes
