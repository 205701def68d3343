// SPDX-License-Identifier: MIT
/// Printing a line on stderr.
#pragma once

#include <string>

namespace remora::detail {

/// Prints `text` and the end of a line on stderr. If nobody reads that any more the line is lost,
/// without SIGPIPE.
void print_line(const std::string& text) noexcept;

}  // namespace remora::detail
