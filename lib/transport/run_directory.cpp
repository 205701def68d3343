// SPDX-License-Identifier: MIT
#include "transport/run_directory.hpp"

#include "transport/open_directory.hpp"

#include <remora/error.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace remora::detail {

namespace fs = std::filesystem;

namespace {

bool is_usable(const char* directory, bool must_be_ours) {
    struct stat info{};
    return directory && *directory == '/' && ::stat(directory, &info) == 0 &&
           S_ISDIR(info.st_mode) && (!must_be_ours || info.st_uid == ::geteuid()) &&
           ::faccessat(AT_FDCWD, directory, W_OK | X_OK, AT_EACCESS) == 0;
}

// Files of every sort, and empty directories. Follows no link.
void unlink_everything(int directory) {
    const directory_stream entries = entries_of(directory);
    while (const dirent* entry = entries ? ::readdir(entries.get()) : nullptr) {
        if (::unlinkat(directory, entry->d_name, 0) < 0 && errno == EISDIR)
            ::unlinkat(directory, entry->d_name, AT_REMOVEDIR);
    }
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
    if (directory && lock_directory(directory.get()) &&
        stands_at(directory.get(), AT_FDCWD, name.c_str()))
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
        fs::absolute(parent) / (std::string(run_prefix) + std::string(random_part));
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

unique_fd open_fifo(int directory, const std::string& name, int flags) {
    unique_fd fifo{::openat(directory, name.c_str(), flags | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW)};
    if (!fifo) raise_system(errno, "open the FIFO " + name_of(directory, name));
    struct stat info{};
    if (::fstat(fifo.get(), &info) < 0 || !S_ISFIFO(info.st_mode) || info.st_uid != ::geteuid())
        raise_system(EPERM, name_of(directory, name) + " is not a FIFO of this user");
    return fifo;
}

}  // namespace remora::detail
