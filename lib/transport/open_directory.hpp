// SPDX-License-Identifier: MIT
/// What can be done with an open directory, whatever happens to its path.
#pragma once

#include <dirent.h>
#include <fcntl.h>

#include <memory>
#include <string>
#include <string_view>

namespace remora::detail {

// The name of a run's directory, as mkdtemp(3) makes it of the two.
inline constexpr std::string_view run_prefix = "remora-";
inline constexpr std::string_view random_part = "XXXXXX";

// Its beginning where server_options::attach_name is set: after it comes that name.
inline constexpr std::string_view fixed_prefix = "remora-attach.";

/// Whether it is one of these.
bool is_name_of_a_run(std::string_view name);
/// Whether it is one that stays the same from run to run, or a path that ends with one.
bool is_fixed_name(std::string_view name);
bool is_at_fixed_path(std::string_view path);
/// Whether it may stand after the prefix: 1 to 64 letters, digits, and `_`, `-`, `.`.
bool is_attach_name(std::string_view name);

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
/// The process that has locked it; 0 if the kernel does not say.
int locking_process(int directory);

/// Throws `error` with EPERM unless it belongs to this user, and nobody else can look into it.
void check_private(int directory, const std::string& path);

}  // namespace remora::detail
