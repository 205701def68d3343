// SPDX-License-Identifier: MIT
// ENOENT of a start can mean the target, the interpreter it names or the loader it names; EACCES a
// directory, a missing x bit or a mount option. So look again, and name what is at fault.
#include "process/spawn.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>

#include <remora/error.hpp>

#include "base/unique_fd.hpp"

namespace remora::detail {

namespace {

std::string unreachable() {
    if (errno == ENOENT) return "does not exist";
    if (errno == ENOTDIR) return "goes through something that is not a directory";
    if (errno == EACCES) return "is behind a directory that may not be searched";
    return "cannot be looked up";
}

// What keeps the file itself from being executed.
std::string file_failure(const std::string& path) {
    struct stat info{};
    if (::stat(path.c_str(), &info) < 0) return unreachable();
    if (S_ISDIR(info.st_mode)) return "is a directory";
    if (!S_ISREG(info.st_mode)) return "is not a regular file";
    if (::faccessat(AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) == 0) return {};
    struct statvfs mount{};
    if (::statvfs(path.c_str(), &mount) == 0 && (mount.f_flag & ST_NOEXEC))
        return "is on a file system that is mounted noexec";
    return "is not executable";
}

// The first line after "#!", up to the interpreter's arguments; none if it is not a script.
std::optional<std::string> interpreter_of(const std::string& path) {
    const unique_fd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    std::array<char, 256> head{};
    const ssize_t size = file ? ::read(file.get(), head.data(), head.size()) : -1;
    if (size < 2 || head[0] != '#' || head[1] != '!') return std::nullopt;
    std::string_view line(head.data() + 2, static_cast<std::size_t>(size) - 2);
    line = line.substr(0, line.find('\n'));
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    return std::string(line.substr(0, line.find_first_of(" \t")));
}

std::string interpreter_failure(const std::string& interpreter) {
    if (interpreter.empty()) return "names no interpreter in its first line";
    const std::string what = file_failure(interpreter);
    if (what.empty()) return {};
    return "names the interpreter " + quote(interpreter) + ", which " + what;
}

}  // namespace

std::string spawn_failure(const std::string& program, int error_number) {
    if (const std::string what = file_failure(program); !what.empty()) return what;
    if (const auto interpreter = interpreter_of(program)) {
        if (const std::string what = interpreter_failure(*interpreter); !what.empty()) return what;
    }
    if (error_number == ENOENT) return "names a loader that does not exist";
    if (error_number == ENOEXEC)
        return "is not a program that this system runs (format, architecture, or no \"#!\" line)";
    return {};
}

std::string directory_failure(const std::string& directory) {
    struct stat info{};
    if (::stat(directory.c_str(), &info) < 0) return unreachable();
    if (!S_ISDIR(info.st_mode)) return "is not a directory";
    if (::faccessat(AT_FDCWD, directory.c_str(), X_OK, AT_EACCESS) < 0) return "may not be entered";
    return {};
}

}  // namespace remora::detail
