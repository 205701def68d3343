// SPDX-License-Identifier: MIT
// The shell: all commands in one run of the app.
#pragma once

#include <remora/pipe.hpp>

namespace notes {

// Takes lines from standard input until it ends, or one says `quit`. Returns the exit code of the
// last command. The pipe lives until then.
asio::awaitable<int> run_shell(remora::pipe& server);

}  // namespace notes
