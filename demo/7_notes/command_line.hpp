// SPDX-License-Identifier: MIT
// From words to a command: those of the program, and those of a line in the shell.
#pragma once

#include "commands.hpp"

#include <CLI/CLI.hpp>

namespace notes {

struct parsed {
    command run;   // none: that was all, as after --help
    int code = 0;  // the exit code then
};

// What is different within a shell: it has no shell, and watches while it takes further lines.
struct within_shell {
    std::function<asio::awaitable<int>(remora::pipe& server, int most)> watch;
};

// `give` is handed the parser, and gives it the words.
parsed parse(const std::function<void(CLI::App&)>& give, const within_shell* within = nullptr);

}  // namespace notes
