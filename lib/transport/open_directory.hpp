// SPDX-License-Identifier: MIT
/// What can be done with an open directory, whatever happens to its path.
#pragma once

#include <dirent.h>
#include <fcntl.h>

#include <memory>
#include <string_view>

namespace remora::detail {

// The name of a run's directory, as mkdtemp(3) makes it of the two.
inline constexpr std::string_view run_prefix = "remora-";
inline constexpr std::string_view random_part = "XXXXXX";

inline constexpr int directory_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

struct close_directory {
    void operator()(DIR* stream) const { ::closedir(stream); }
};
using directory_stream = std::unique_ptr<DIR, close_directory>;

/// What is in it; null if it cannot be read.
directory_stream entries_of(int directory);

/// Whether the path still leads to the open directory: another process may have removed it.
bool stands_at(int directory, int parent, const char* name);

/// Locks it, as long as it is open. False if it is locked already.
bool lock_directory(int directory);

}  // namespace remora::detail
