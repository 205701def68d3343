// SPDX-License-Identifier: MIT
#include "process/effective_user.hpp"

#include "process/proc_file.hpp"

#include <cstdio>
#include <cstring>

namespace remora::detail {

// The second number of the line `Uid:`, which is near the beginning.
std::optional<uid_t> effective_user(pid_t pid) {
    const auto text = read_proc_file(pid, "status");
    const char* const line = std::strstr(text.data(), "\nUid:");
    unsigned user = 0;
    if (line == nullptr || std::sscanf(line, "\nUid: %*u %u", &user) != 1) return {};
    return user;
}

}  // namespace remora::detail
