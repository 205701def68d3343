// SPDX-License-Identifier: MIT
#include "process/spawn.hpp"

#include <filesystem>

#include "base/path_text.hpp"

namespace remora::detail {
namespace {

constexpr const char* plain_characters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";

// For every shell that POSIX describes.
std::string in_shell(const std::string& word) {
    if (!word.empty() && word.find_first_not_of(plain_characters) == std::string::npos) return word;
    std::string quoted = "'";
    for (const char c : word)
        quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return quoted + "'";
}

}  // namespace

std::string shell_line(const spawn_options& options) {
    std::vector<std::string> words;
    for (const std::string& name : options.unset)
        words.insert(words.end(), {"-u", name});
    words.insert(words.end(), options.environment.begin(), options.environment.end());
    if (!words.empty()) words.insert(words.begin(), "env");
    for (const std::string& word : command_of(options))
        words.push_back(word);
    std::string line;
    if (options.working_directory) {
        const std::filesystem::path directory = *options.working_directory;
        line = "cd " + in_shell(path_text(std::filesystem::absolute(directory))) + " && ";
    }
    for (std::size_t i = 0; i < words.size(); ++i)
        line += (i == 0 ? "" : " ") + in_shell(words[i]);
    return line;
}

}  // namespace remora::detail
