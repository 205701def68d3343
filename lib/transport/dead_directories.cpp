// SPDX-License-Identifier: MIT
// The removal of what dead servers have left behind.
#include "transport/open_directory.hpp"
#include "transport/run_directory.hpp"
#include "wire/control_records.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace remora::detail {

namespace fs = std::filesystem;

namespace {

// How many entries of others are passed over between two looks at the clock.
constexpr int entries_at_once = 256;

bool is_fifo_of_a_pipe(int directory, const char* name) {
    const std::string_view text = name;
    struct stat info{};
    return (text.ends_with(wire::up_ending) || text.ends_with(wire::down_ending)) &&
           ::fstatat(directory, name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISFIFO(info.st_mode);
}

bool holds_only_fifos(int directory) {
    const directory_stream entries = entries_of(directory);
    while (const dirent* entry = entries ? ::readdir(entries.get()) : nullptr) {
        const std::string_view name = entry->d_name;
        if (name != "." && name != ".." && !is_fifo_of_a_pipe(directory, entry->d_name))
            return false;
    }
    return entries != nullptr;
}

void unlink_fifos(int directory) {
    const directory_stream entries = entries_of(directory);
    while (const dirent* entry = entries ? ::readdir(entries.get()) : nullptr) {
        if (is_fifo_of_a_pipe(directory, entry->d_name)) ::unlinkat(directory, entry->d_name, 0);
    }
}

// As mkdtemp(3) makes it of the pattern.
bool is_name_of_a_run(std::string_view name) {
    constexpr auto random = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    return name.starts_with(run_prefix) && name.size() == run_prefix.size() + random_part.size() &&
           name.find_first_not_of(random, run_prefix.size()) == name.npos;
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
    // Most are empty: FIFOs stand in them until the app has opened them.
    if (::unlinkat(parent, name, AT_REMOVEDIR) == 0) return true;
    if (!holds_only_fifos(directory.get())) return false;
    unlink_fifos(directory.get());
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
