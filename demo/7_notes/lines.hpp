// SPDX-License-Identifier: MIT
// A note as a line of text, for files and for people.
#pragma once

#include "protocol.hpp"

#include <string>

namespace notes {

// "2026-11-30T07:30:04Z", a tab, and the text, in which \n, \r and \\ stand for a newline, a return
// and a backslash. So every text is one line, and comes back as it was.
std::string to_line(const note& what);
// Throws std::invalid_argument, which says what is wrong.
note from_line(const std::string& line);

// For a terminal: further lines are indented, and other control characters are question marks.
std::string shown(const note& what, bool with_time);

}  // namespace notes
