// SPDX-License-Identifier: MIT
#include "base/path_text.hpp"

#include <algorithm>

namespace remora::detail {

std::string path_text(const std::filesystem::path& path) {
    if (path.empty() || std::ranges::find(path, "..") != path.end()) return path.string();
    std::string text = path.lexically_normal().string();
    if (text.size() > 1 && text.ends_with('/')) text.pop_back();
    const bool had_slash = path.string().find('/') != std::string::npos;
    const bool has_slash = text.find('/') != std::string::npos;
    return had_slash && !has_slash && text != "." ? "./" + text : text;
}

}  // namespace remora::detail
