// SPDX-License-Identifier: MIT
/// The address of a socket in an open directory.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <filesystem>
#include <string>

namespace remora::detail {

/// That of `name` in the directory that is open as `fd` and stands at `path`. An address has room
/// for 107 characters: where the path is longer, it leads through /proc.
sockaddr_un address_in(int fd, const std::filesystem::path& path, const std::string& name);

}  // namespace remora::detail
