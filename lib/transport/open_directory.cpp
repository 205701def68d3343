// SPDX-License-Identifier: MIT
#include "transport/open_directory.hpp"

#include "base/unique_fd.hpp"

#include <remora/error.hpp>

#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <string>

namespace remora::detail {

namespace {
constexpr std::string_view random_characters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
constexpr std::string_view other_characters = "_-.";
}  // namespace

bool is_attach_name(std::string_view name) {
    constexpr std::size_t longest = 64;
    const auto is_allowed = [](char c) {
        return random_characters.find(c) != std::string_view::npos ||
               other_characters.find(c) != std::string_view::npos;
    };
    return !name.empty() && name.size() <= longest && std::ranges::all_of(name, is_allowed);
}

bool is_fixed_name(std::string_view name) {
    return name.starts_with(fixed_prefix) && is_attach_name(name.substr(fixed_prefix.size()));
}

bool is_at_fixed_path(std::string_view path) {
    return is_fixed_name(path.substr(path.rfind('/') + 1));  // none: npos + 1 is 0
}

bool is_name_of_a_run(std::string_view name) {
    if (is_fixed_name(name)) return true;
    return name.starts_with(run_prefix) && name.size() == run_prefix.size() + random_part.size() &&
           name.find_first_not_of(random_characters, run_prefix.size()) == name.npos;
}

// A stream of its own: it takes the descriptor and moves the offset.
directory_stream entries_of(int directory) {
    unique_fd copy{::openat(directory, ".", directory_flags)};
    directory_stream stream{copy ? ::fdopendir(copy.get()) : nullptr};
    if (stream) copy.release();
    return stream;
}

namespace {
bool is_same(const struct stat& a, const struct stat& b) {
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}
}  // namespace

bool stands_at(int directory, int parent, const char* name) {
    struct stat open{}, there{};
    return ::fstat(directory, &open) == 0 &&
           ::fstatat(parent, name, &there, AT_SYMLINK_NOFOLLOW) == 0 && is_same(open, there);
}

bool lock_directory(int directory) {
    return ::flock(directory, LOCK_EX | LOCK_NB) == 0;
}

// See proc(5): "1: FLOCK  ADVISORY  WRITE 708 08:01:13568 0 EOF".
int locking_process(int directory) {
    struct stat info{};
    if (::fstat(directory, &info) < 0) return 0;
    std::ifstream locks("/proc/locks");
    for (std::string line; std::getline(locks, line);) {
        int pid = 0;
        unsigned major = 0, minor = 0;
        unsigned long long inode = 0;
        if (std::sscanf(line.c_str(), "%*s FLOCK %*s %*s %d %x:%x:%llu", &pid, &major, &minor,
                        &inode) == 4 &&
            inode == info.st_ino && ::makedev(major, minor) == info.st_dev)
            return pid;
    }
    return 0;
}

void check_private(int directory, const std::string& path) {
    struct stat info{};
    if (::fstat(directory, &info) < 0 || info.st_uid != ::geteuid() || (info.st_mode & 077) != 0)
        throw_system_error(EPERM, "the directory \"" + path + "\" is not this user's alone");
}

}  // namespace remora::detail
