// SPDX-License-Identifier: MIT
#include "transport/run_directory.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "wire/control_records.hpp"

#include <remora/error.hpp>

namespace remora::detail {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view prefix = "remora-";
constexpr std::string_view random_part = "XXXXXX";
// How many entries of others are passed over between two looks at the clock.
constexpr int entries_at_once = 256;
constexpr int directory_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

bool is_same(const struct stat& a, const struct stat& b) {
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

// Whether the path still leads to the open directory: another process may have removed it.
bool stands_at(int directory, int parent, const char* name) {
    struct stat open{}, there{};
    return ::fstat(directory, &open) == 0 &&
           ::fstatat(parent, name, &there, AT_SYMLINK_NOFOLLOW) == 0 && is_same(open, there);
}

bool lock(int directory) {
    return ::flock(directory, LOCK_EX | LOCK_NB) == 0;
}

bool is_usable(const char* directory, bool must_be_ours) {
    struct stat info{};
    return directory && *directory == '/' && ::stat(directory, &info) == 0 &&
           S_ISDIR(info.st_mode) && (!must_be_ours || info.st_uid == ::geteuid()) &&
           ::faccessat(AT_FDCWD, directory, W_OK | X_OK, AT_EACCESS) == 0;
}

struct close_directory {
    void operator()(DIR* stream) const { ::closedir(stream); }
};
using directory_stream = std::unique_ptr<DIR, close_directory>;

// A stream of its own: it takes the descriptor and moves the offset.
directory_stream entries_of(int directory) {
    unique_fd copy{::openat(directory, ".", directory_flags)};
    directory_stream stream{copy ? ::fdopendir(copy.get()) : nullptr};
    if (stream) copy.release();
    return stream;
}

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

// Files of every sort, and empty directories. Follows no link.
void unlink_everything(int directory) {
    const directory_stream entries = entries_of(directory);
    while (const dirent* entry = entries ? ::readdir(entries.get()) : nullptr) {
        if (::unlinkat(directory, entry->d_name, 0) < 0 && errno == EISDIR)
            ::unlinkat(directory, entry->d_name, AT_REMOVEDIR);
    }
}

// As mkdtemp(3) makes it of the pattern.
bool is_name_of_a_run(std::string_view name) {
    constexpr auto random = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    return name.starts_with(prefix) && name.size() == prefix.size() + random_part.size() &&
           name.find_first_not_of(random, prefix.size()) == name.npos;
}

// `name` is that of a run.
bool remove_if_dead(int parent, const char* name) {
    const unique_fd directory{::openat(parent, name, directory_flags | O_NONBLOCK)};
    if (!directory) return errno == ENOENT;
    struct stat info{};
    if (::fstat(directory.get(), &info) < 0 || info.st_uid != ::geteuid() ||
        (info.st_mode & 077) != 0 || !lock(directory.get()) ||
        !stands_at(directory.get(), parent, name))
        return false;
    // Most are empty: FIFOs stand in them only while a pipe is being made.
    if (::unlinkat(parent, name, AT_REMOVEDIR) == 0) return true;
    if (!holds_only_fifos(directory.get())) return false;
    unlink_fifos(directory.get());
    return ::unlinkat(parent, name, AT_REMOVEDIR) == 0;
}

// Made, opened and locked; nothing if a sweeping server came in between.
unique_fd make_directory(fs::path& path) {
    std::string name = path.string();
    if (!::mkdtemp(name.data())) raise_system(errno, "make the directory \"" + name + "\"");
    try {
        path = name;
    } catch (...) {  // there is no memory for it, and nobody else knows where it is
        ::rmdir(name.c_str());
        throw;
    }
    // A umask takes bits away even from mkdtemp.
    struct stat info{};
    if (::lstat(name.c_str(), &info) == 0 && (info.st_mode & 0777) != 0700)
        ::fchmodat(AT_FDCWD, name.c_str(), 0700, AT_SYMLINK_NOFOLLOW);
    unique_fd directory{::open(name.c_str(), directory_flags)};
    if (directory && lock(directory.get()) && stands_at(directory.get(), AT_FDCWD, name.c_str()))
        return directory;
    const int error_number = directory ? 0 : errno;
    ::rmdir(name.c_str());
    if (error_number != 0 && error_number != ENOENT)
        raise_system(error_number, "open the directory \"" + name + "\"");
    return {};
}

std::string name_of(int directory, const std::string& name) {
    std::error_code ignored;
    const fs::path where = fs::read_symlink("/proc/self/fd/" + std::to_string(directory), ignored);
    return "\"" + (where / name).string() + "\"";
}

}  // namespace

run_directory::run_directory(const fs::path& parent) {
    const fs::path pattern =
        fs::absolute(parent) / (std::string(prefix) + std::string(random_part));
    for (int tries = 0; !fd_; ++tries) {
        if (tries == 100)
            raise_system(EAGAIN, "lock a new directory in \"" + parent.string() + "\"");
        path_ = pattern;
        fd_ = make_directory(path_);
    }
    struct stat info{};
    if (::fstat(fd_.get(), &info) < 0 || info.st_uid != ::geteuid() ||
        (info.st_mode & 0777) != 0700) {
        remove();
        raise_system(EPERM, "the directory \"" + path_.string() + "\" is not private");
    }
}

run_directory& run_directory::operator=(run_directory&& other) noexcept {
    if (this != &other) {
        remove();
        path_ = std::move(other.path_);
        fd_ = std::move(other.fd_);
        fifos_ = std::move(other.fifos_);
    }
    return *this;
}

void run_directory::make_fifo(const std::string& name) {
    fifos_.push_back(name);
    struct stat info{};
    if (::mkfifoat(fd_.get(), name.c_str(), 0600) < 0) {
        const int error_number = errno;
        fifos_.pop_back();
        raise_system(error_number, "make the FIFO " + name_of(fd_.get(), name));
    }
    if (::fstatat(fd_.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) < 0 ||
        ((info.st_mode & 0777) != 0600 &&
         ::fchmodat(fd_.get(), name.c_str(), 0600, AT_SYMLINK_NOFOLLOW) < 0))
        raise_system(errno, "make the FIFO " + name_of(fd_.get(), name) + " private");
}

void run_directory::unlink(const std::string& name) {
    std::erase(fifos_, name);
    if (::unlinkat(fd_.get(), name.c_str(), 0) < 0 && errno != ENOENT)
        raise_system(errno, "remove the FIFO " + name_of(fd_.get(), name));
}

void run_directory::remove() noexcept {
    if (!fd_) return;
    for (const std::string& name : fifos_)
        ::unlinkat(fd_.get(), name.c_str(), 0);
    if (stands_at(fd_.get(), AT_FDCWD, path_.c_str()) && ::rmdir(path_.c_str()) < 0) {
        unlink_everything(fd_.get());
        ::rmdir(path_.c_str());
    }
    fd_.reset();
}

fs::path run_directory::default_parent() {
    if (const char* runtime = std::getenv("XDG_RUNTIME_DIR"); is_usable(runtime, true))
        return runtime;
    if (const char* temporary = std::getenv("TMPDIR"); is_usable(temporary, false))
        return temporary;
    return "/tmp";
}

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

unique_fd open_fifo(int directory, const std::string& name, int flags) {
    unique_fd fifo{::openat(directory, name.c_str(), flags | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW)};
    if (!fifo) raise_system(errno, "open the FIFO " + name_of(directory, name));
    struct stat info{};
    if (::fstat(fifo.get(), &info) < 0 || !S_ISFIFO(info.st_mode) || info.st_uid != ::geteuid())
        raise_system(EPERM, name_of(directory, name) + " is not a FIFO of this user");
    return fifo;
}

}  // namespace remora::detail
