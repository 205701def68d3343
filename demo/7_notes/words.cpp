// SPDX-License-Identifier: MIT
#include "words.hpp"

#include <algorithm>
#include <cctype>
#include <iterator>
#include <sstream>
#include <string_view>
#include <system_error>

namespace notes {

namespace {

// Letters and digits in small letters, and bytes beyond ASCII.
std::vector<std::string> words_of(std::string text) {
    for (char& c : text) {
        const auto byte = static_cast<unsigned char>(c);
        c = byte < 0x80 && !std::isalnum(byte) ? ' ' : static_cast<char>(std::tolower(byte));
    }
    std::istringstream in(text);
    return {std::istream_iterator<std::string>(in), {}};
}

bool has(const std::vector<std::string>& words, std::string_view wanted) {
    const bool is_beginning = wanted.ends_with('*');
    if (is_beginning) wanted.remove_suffix(1);
    return std::any_of(words.begin(), words.end(), [&](const std::string& word) {
        return is_beginning ? word.starts_with(wanted) : word == wanted;
    });
}

}  // namespace

query::query(const std::string& words) {
    std::istringstream in(words);
    words_.assign(std::istream_iterator<std::string>(in), {});
    for (auto& word : words_) {
        const bool is_beginning = word.ends_with('*');
        const auto plain = words_of(word);
        if (plain.size() != 1 || plain[0].size() + is_beginning != word.size())
            throw std::system_error(std::make_error_code(std::errc::invalid_argument), word);
        word = plain[0] + (is_beginning ? "*" : "");
    }
    if (words_.empty())
        throw std::system_error(std::make_error_code(std::errc::invalid_argument), "no words");
}

bool query::matches(const std::string& text) const {
    const auto words = words_of(text);
    return std::all_of(words_.begin(), words_.end(),
                       [&](const std::string& word) { return has(words, word); });
}

}  // namespace notes
