// SPDX-License-Identifier: MIT
/// The owner of a file descriptor.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <utility>

namespace remora::detail {

/// It never owns the number of a standard stream: where those are closed, the system gives their
/// numbers to the next files, and what the program prints would go there. A descriptor below 3 is
/// replaced by a copy, with FD_CLOEXEC; without room for one there is none, and errno says so.
class unique_fd {
public:
    unique_fd() = default;
    explicit unique_fd(int fd) : fd_(above_standard_streams(fd)) {}
    unique_fd(unique_fd&& other) noexcept : fd_(other.release()) {}
    unique_fd& operator=(unique_fd&& other) noexcept {
        reset(other.release());
        return *this;
    }
    ~unique_fd() { reset(); }

    int get() const { return fd_; }
    explicit operator bool() const { return fd_ >= 0; }
    int release() { return std::exchange(fd_, -1); }
    void reset(int fd = -1) {
        if (fd_ >= 0) ::close(fd_);
        fd_ = above_standard_streams(fd);
    }

private:
    static int above_standard_streams(int fd) {
        if (fd < 0 || fd > 2) return fd;
        const int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
        ::close(fd);
        return copy;
    }

    int fd_ = -1;
};

}  // namespace remora::detail
