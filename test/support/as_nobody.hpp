// SPDX-License-Identifier: MIT
/// Checks that are made as another user.
#pragma once

#include <doctest/doctest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace test {

inline const auto needs_root = doctest::skip(::geteuid() != 0);

/// Runs a check as another user, in a process of its own, and returns its exit code.
template <class Check>
int as_nobody(Check check) {
    const pid_t pid = ::fork();
    if (pid == 0) ::_exit(::setgid(65534) == 0 && ::setuid(65534) == 0 ? check() : 99);
    int word = 0;
    while (::waitpid(pid, &word, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(word) ? WEXITSTATUS(word) : 98;
}

}  // namespace test
