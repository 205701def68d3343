// SPDX-License-Identifier: MIT
/// Children that answer on their output, within a time.
#pragma once

#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

namespace bench {

/// Ctrl-C, and other requests to end, as a descriptor. They no longer end this process by
/// themselves.
class end_requests {
public:
    end_requests();
    end_requests(const end_requests&) = delete;
    end_requests& operator=(const end_requests&) = delete;
    ~end_requests();

    int fd() const { return fd_; }

private:
    int fd_;
};

/// Somebody wants this process to end.
struct interrupted {};

/// The child failed, took too long or answered nonsense.
struct child_failed : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// The child says, by the exit code 77, that this machine lacks what it needs.
struct child_unavailable : child_failed {
    using child_failed::child_failed;
};

/// Runs a program, and returns what it has printed. Throws child_failed, with what it has printed
/// as errors, or interrupted. Either way no child is left, nor any child of it.
std::string output_of(const std::vector<std::string>& command, std::chrono::nanoseconds limit,
                      const end_requests& requests);

}  // namespace bench
