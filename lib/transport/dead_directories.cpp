// SPDX-License-Identifier: MIT
// The removal of what dead servers have left behind.
#include "transport/open_directory.hpp"
#include "transport/run_directory.hpp"
#include "wire/control_records.hpp"
#include "wire/run_report.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace remora::detail {

namespace fs = std::filesystem;

namespace {

// How many entries of others are passed over between two looks at the clock.
constexpr int entries_at_once = 256;

// A FIFO of a pipe, or the socket to look inside.
bool is_of_a_run(int directory, const char* name) {
    const std::string_view text = name;
    const bool is_pipe = text.ends_with(wire::up_ending) || text.ends_with(wire::down_ending);
    struct stat info{};
    return (is_pipe || text == wire::inspect_name) &&
           ::fstatat(directory, name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
           (is_pipe ? S_ISFIFO(info.st_mode) : S_ISSOCK(info.st_mode));
}

bool holds_only_ours(int directory) {
    const directory_stream entries = entries_of(directory);
    while (const dirent* entry = entries ? ::readdir(entries.get()) : nullptr) {
        const std::string_view name = entry->d_name;
        if (name != "." && name != ".." && !is_of_a_run(directory, entry->d_name)) return false;
    }
    return entries != nullptr;
}

void unlink_ours(int directory) {
    const directory_stream entries = entries_of(directory);
    while (const dirent* entry = entries ? ::readdir(entries.get()) : nullptr) {
        if (is_of_a_run(directory, entry->d_name)) ::unlinkat(directory, entry->d_name, 0);
    }
}

// `name` is that of a run.
bool remove_if_dead(int parent, const char* name) {
    const unique_fd directory{::openat(parent, name, directory_flags | O_NONBLOCK)};
    if (!directory) return errno == ENOENT;
    struct stat info{};
    if (::fstat(directory.get(), &info) < 0 || info.st_uid != ::geteuid() ||
        (info.st_mode & 077) != 0 || !lock_directory(directory.get()) ||
        !stands_at(directory.get(), parent, name))
        return false;
    if (::unlinkat(parent, name, AT_REMOVEDIR) == 0) return true;
    if (!holds_only_ours(directory.get())) return false;
    unlink_ours(directory.get());
    return ::unlinkat(parent, name, AT_REMOVEDIR) == 0;
}

}  // namespace

void run_directory::sweep(const fs::path& parent, std::chrono::nanoseconds at_most) noexcept {
    const auto begin = std::chrono::steady_clock::now();
    const unique_fd directory{::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    const directory_stream entries = directory ? entries_of(directory.get()) : nullptr;
    int others = 0;
    while (const dirent* entry = entries ? ::readdir(entries.get()) : nullptr) {
        if (is_name_of_a_run(entry->d_name))
            remove_if_dead(directory.get(), entry->d_name);
        else if (++others % entries_at_once != 0)
            continue;
        if (std::chrono::steady_clock::now() - begin > at_most) break;
    }
}

bool run_directory::remove_dead(const fs::path& path) noexcept {
    const fs::path name = path.filename();
    if (!is_name_of_a_run(name.native())) return false;
    const unique_fd parent{::open(path.parent_path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
    return parent && remove_if_dead(parent.get(), name.c_str());
}

}  // namespace remora::detail
