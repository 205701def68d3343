// SPDX-License-Identifier: MIT
#include "transport/run_directory.hpp"

#include "base/path_text.hpp"
#include "transport/open_directory.hpp"
#include "transport/socket_address.hpp"

#include <remora/error.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <thread>

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

// Says why, unless what stood there has gone.
void refuse_taken(const std::string& name) {
    const unique_fd there{::open(name.c_str(), directory_flags | O_NONBLOCK)};
    if (!there && errno == ENOENT) return;
    const std::string what = "make the directory \"" + name + "\"";
    struct stat info{};
    if (!there || ::fstat(there.get(), &info) < 0 || info.st_uid != ::geteuid())
        throw_system_error(EEXIST, what + ": what stands there is not this user's");
    if (lock_directory(there.get()))
        throw_system_error(EEXIST, what + ": what stands there is not only a server's");
    const int pid = locking_process(there.get());
    throw_system_error(EADDRINUSE, what + ": another server has this name" +
                                       (pid > 0 ? ", pid " + std::to_string(pid) : ""));
}

// In place of what a dead server has left. False if others came in between.
bool make_fixed(const std::string& name) {
    if (::mkdir(name.c_str(), 0700) == 0) return true;
    if (errno != EEXIST) throw_system_error(errno, "make the directory \"" + name + "\"");
    // A server that sweeps, or an app that looks, has the lock for a moment.
    for (int tries = 0; tries != 20; ++tries) {
        if (run_directory::remove_dead(name)) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    refuse_taken(name);
    return false;
}

// Made, opened and locked; nothing if a sweeping server came in between.
unique_fd make_directory(fs::path& path, bool is_fixed) {
    std::string name = path.string();
    if (is_fixed) {
        if (!make_fixed(name)) return {};
    } else if (!::mkdtemp(name.data())) {
        throw_system_error(errno, "make the directory \"" + name + "\"");
    }
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
    if (!is_fixed) ::rmdir(name.c_str());  // it may be another server's by now
    if (error_number != 0 && error_number != ENOENT)
        throw_system_error(error_number, "open the directory \"" + name + "\"");
    return {};
}

std::string name_of(int directory, const std::string& name) {
    std::error_code ignored;
    const fs::path where = fs::read_symlink("/proc/self/fd/" + std::to_string(directory), ignored);
    return "\"" + (where / name).string() + "\"";
}

}  // namespace

run_directory::run_directory(const fs::path& parent, const std::string& name) {
    const std::string last = name.empty() ? std::string(run_prefix) + std::string(random_part)
                                          : std::string(fixed_prefix) + name;
    const fs::path pattern = path_text(fs::absolute(parent) / last);
    for (int tries = 0; !fd_; ++tries) {
        if (tries == 100)
            throw_system_error(EAGAIN, "lock a new directory in \"" + parent.string() + "\"");
        path_ = pattern;
        fd_ = make_directory(path_, !name.empty());
    }
    struct stat info{};
    if (::fstat(fd_.get(), &info) < 0 || info.st_uid != ::geteuid() ||
        (info.st_mode & 0777) != 0700) {
        remove();
        throw_system_error(EPERM, "the directory \"" + path_.string() + "\" is not private");
    }
}

run_directory& run_directory::operator=(run_directory&& other) noexcept {
    if (this != &other) {
        remove();
        path_ = std::move(other.path_);
        fd_ = std::move(other.fd_);
        names_ = std::move(other.names_);
    }
    return *this;
}

void run_directory::make_fifo(const std::string& name) {
    names_.push_back(name);
    if (::mkfifoat(fd_.get(), name.c_str(), 0600) < 0) {
        const int error_number = errno;
        names_.pop_back();
        throw_system_error(error_number, "make the FIFO " + name_of(fd_.get(), name));
    }
    make_private(name);
}

unique_fd run_directory::listen(const std::string& name) {
    constexpr int waiting = 16;  // those to be accepted
    unique_fd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    if (!socket) throw_system_error(errno, "make a socket");
    names_.push_back(name);
    const sockaddr_un address = address_in(fd_.get(), path_, name);
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) {
        const int error_number = errno;
        names_.pop_back();
        throw_system_error(error_number, "make the socket " + name_of(fd_.get(), name));
    }
    make_private(name);
    if (::listen(socket.get(), waiting) < 0)
        throw_system_error(errno, "listen at " + name_of(fd_.get(), name));
    return socket;
}

// A umask takes bits away.
void run_directory::make_private(const std::string& name) {
    struct stat info{};
    if (::fstatat(fd_.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) < 0 ||
        ((info.st_mode & 0777) != 0600 &&
         ::fchmodat(fd_.get(), name.c_str(), 0600, AT_SYMLINK_NOFOLLOW) < 0))
        throw_system_error(errno, "make " + name_of(fd_.get(), name) + " private");
}

void run_directory::unlink(const std::string& name) {
    std::erase(names_, name);
    if (::unlinkat(fd_.get(), name.c_str(), 0) < 0 && errno != ENOENT)
        throw_system_error(errno, "remove " + name_of(fd_.get(), name));
}

void run_directory::remove() noexcept {
    if (!fd_) return;
    for (const std::string& name : names_)
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
    if (!fifo) throw_system_error(errno, "open the FIFO " + name_of(directory, name));
    struct stat info{};
    if (::fstat(fifo.get(), &info) < 0 || !S_ISFIFO(info.st_mode) || info.st_uid != ::geteuid())
        throw_system_error(EPERM, name_of(directory, name) + " is not a FIFO of this user");
    return fifo;
}

}  // namespace remora::detail
