// SPDX-License-Identifier: MIT
// What the app can do. Each command returns its exit code, and throws what a call throws.
#pragma once

#include <remora/pipe.hpp>
#include <remora/stream.hpp>

#include "protocol.hpp"

#include <functional>
#include <string>

namespace notes {

namespace code {
constexpr int done = 0;
constexpr int nothing_found = 1;  // no note matches, or has this number
constexpr int wrong_usage = 2;    // the command, the query or the file is wrong
constexpr int failed = 3;         // the server, or a file, could not
}  // namespace code

// The pipe lives until the command has ended.
using command = std::function<asio::awaitable<int>(remora::pipe& server)>;

asio::awaitable<int> add_note(remora::pipe& server, std::string text);
asio::awaitable<int> remove_note(remora::pipe& server, std::int64_t id);
asio::awaitable<int> list_notes(remora::pipe& server, bool with_times);
asio::awaitable<int> find_notes(remora::pipe& server, std::string query, bool with_times);

// Completes when all that happens from now on will come.
asio::awaitable<remora::stream<change>> begin_watch(remora::pipe& server);
// Shows so many changes; 0: until the stream ends.
asio::awaitable<int> show_changes(remora::stream<change> changes, int most);
asio::awaitable<int> watch_notes(remora::pipe& server, int most);

// With a bar on a terminal. The file may be "-".
asio::awaitable<int> export_notes(remora::pipe& server, std::string file);
asio::awaitable<int> import_from(remora::pipe& server, std::string file);

// The server's, which the user has started; "notes" without one.
const char* program_name();
// Runs a command; its failure becomes a line on stderr and an exit code.
asio::awaitable<int> explained(command what, remora::pipe& server);

}  // namespace notes
