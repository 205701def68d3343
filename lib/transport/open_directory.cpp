// SPDX-License-Identifier: MIT
#include "transport/open_directory.hpp"

#include "base/unique_fd.hpp"

#include <sys/file.h>
#include <sys/stat.h>

namespace remora::detail {

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

}  // namespace remora::detail
