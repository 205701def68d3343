// SPDX-License-Identifier: MIT
/// The user of another process.
#pragma once

#include <sys/types.h>

#include <optional>

namespace remora::detail {

/// The effective user of a process, as the kernel says now; none if that cannot be read.
std::optional<uid_t> effective_user(pid_t pid);

}  // namespace remora::detail
