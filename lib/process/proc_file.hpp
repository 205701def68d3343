// SPDX-License-Identifier: MIT
/// What the kernel says of a process: see proc(5).
#pragma once

#include "base/unique_fd.hpp"

#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

#include <array>
#include <string>

namespace remora::detail {

/// The beginning of the file `name` of a process, as text; empty if it cannot be read.
inline std::array<char, 1024> read_proc_file(pid_t pid, const std::string& name) {
    const std::string path = "/proc/" + std::to_string(pid) + "/" + name;
    const unique_fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    std::array<char, 1024> text{};
    if (file && ::read(file.get(), text.data(), text.size() - 1) <= 0) text.front() = '\0';
    return text;
}

}  // namespace remora::detail
