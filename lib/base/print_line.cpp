// SPDX-License-Identifier: MIT
#include "base/print_line.hpp"

#include "base/held_signal.hpp"

#include <cstdio>

namespace remora::detail {
void print_line(const std::string& text) noexcept {
    const held_signal quiet(SIGPIPE);
    std::fprintf(stderr, "%s\n", text.c_str());
}

}  // namespace remora::detail
