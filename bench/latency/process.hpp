// SPDX-License-Identifier: MIT
/// A program that was started, and what it writes.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace bench {

/// Ends in std::system_error if a system call has failed.
int checked(int result, const char* what);

/// A pipe that a program writes into, and what has come out of it.
class captured {
public:
    captured();
    captured(const captured&) = delete;
    captured& operator=(const captured&) = delete;
    ~captured();

    int fd() const { return ends_[0]; }

    /// In the child: makes it one of the child's own descriptors.
    void become(int fd) const;

    /// In the parent, after the start: only the child can write.
    void close_writer();

    /// Takes what there is, without waiting; false at the end.
    bool take();

    const std::string& text() const { return text_; }

private:
    int ends_[2] = {-1, -1};
    std::string text_;
};

/// A program in a process group of its own. Nothing of the group survives this object.
class process {
public:
    process(const std::vector<std::string>& command, captured& output, captured& errors);
    process(const process&) = delete;
    process& operator=(const process&) = delete;
    ~process();

    /// A descriptor that becomes readable when the program has ended.
    int ended() const { return ended_; }

    /// Kills what still runs; the status is that of waitpid.
    int finish();

private:
    pid_t id_ = -1;
    int ended_ = -1;
};

}  // namespace bench
