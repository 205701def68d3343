// SPDX-License-Identifier: MIT
/// Paths as users are told them.
#pragma once

#include <filesystem>
#include <string>

namespace remora::detail {

/// The same file, without what says nothing: "/a//b/./c" is "/a/b/c". A `./` at the beginning stays
/// where otherwise it would be a name without slashes, and `..` does where it is: what is before it
/// may be a link.
std::string path_text(const std::filesystem::path& path);

}  // namespace remora::detail
