// SPDX-License-Identifier: MIT
#include "process/effective_user.hpp"

#include "base/unique_fd.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <string>

namespace remora::detail {

// See proc(5): the second number of the line `Uid:`, which is near the beginning.
std::optional<uid_t> effective_user(pid_t pid) {
    const unique_fd file(
        ::open(("/proc/" + std::to_string(pid) + "/status").c_str(), O_RDONLY | O_CLOEXEC));
    std::array<char, 1024> text{};
    if (!file || ::read(file.get(), text.data(), text.size() - 1) <= 0) return {};
    const char* const line = std::strstr(text.data(), "\nUid:");
    unsigned user = 0;
    if (line == nullptr || std::sscanf(line, "\nUid: %*u %u", &user) != 1) return {};
    return user;
}

}  // namespace remora::detail
