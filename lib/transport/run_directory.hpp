// SPDX-License-Identifier: MIT
/// The private directory of one run, where the FIFOs of its pipes are made, and the removal of
/// those that dead servers have left behind. A server locks its directory: one without a lock is
/// that of a dead server.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "base/unique_fd.hpp"

namespace remora::detail {

/// A new directory of mode 0700, whatever the umask, locked as long as this object lives:
/// "remora-XXXXXX", or "remora-attach.NAME" in place of what a dead server has left there. It is
/// removed with what is in it (but for directories that are not empty) by the destructor, unless
/// something else stands at its path by then. Not thread-safe.
class run_directory {
public:
    /// Throws `error` with the system's code and the path; EADDRINUSE with the process of the
    /// server that has this name.
    explicit run_directory(const std::filesystem::path& parent = default_parent(),
                           const std::string& name = {});
    ~run_directory() { remove(); }
    run_directory(run_directory&&) = default;
    run_directory& operator=(run_directory&& other) noexcept;

    /// Absolute.
    const std::filesystem::path& path() const { return path_; }
    int fd() const { return fd_.get(); }

    /// Makes a FIFO of mode 0600, whatever the umask. Throws `error`, also if the name is taken.
    void make_fifo(const std::string& name);
    /// Makes a socket that listens, O_NONBLOCK|O_CLOEXEC, of mode 0600, whatever the umask. Throws
    /// `error`, also if the name is taken.
    unique_fd listen(const std::string& name);
    /// Removes a FIFO. One that is gone already is no error.
    void unlink(const std::string& name);

    /// $XDG_RUNTIME_DIR if it is ours and writable, else $TMPDIR if it is writable, else /tmp.
    static std::filesystem::path default_parent();

    /// Removes what dead servers of this user have left in `parent`: directories "remora-" and six
    /// letters or digits, or "remora-attach." and a name, private, which nobody has locked, with
    /// nothing in them but FIFOs of pipes and the socket to look inside. Follows no link, touches
    /// nothing else. Stops once `at_most` has passed: among very many files of others it may not
    /// come to all of them.
    static void sweep(const std::filesystem::path& parent,
                      std::chrono::nanoseconds at_most = std::chrono::nanoseconds::max()) noexcept;
    /// The same for one directory. True if it is gone. It may take a moment until the lock of a
    /// killed server is released: false, then try again.
    static bool remove_dead(const std::filesystem::path& path) noexcept;

private:
    void remove() noexcept;
    void make_private(const std::string& name);

    std::filesystem::path path_;
    unique_fd fd_;
    std::vector<std::string> names_;  ///< of what was made in it
};

/// Opens the FIFO `name` in a directory, O_NONBLOCK|O_CLOEXEC|O_NOFOLLOW and `flags`. Throws
/// `error`: the system's code (ENXIO: a writer, and no reader yet), EPERM if it is not a FIFO of
/// this process's user.
unique_fd open_fifo(int directory, const std::string& name, int flags);

}  // namespace remora::detail
