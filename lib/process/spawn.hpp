// SPDX-License-Identifier: MIT
/// The start of a child process, and what to say when it fails.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include <remora/error.hpp>
#include <remora/process.hpp>

namespace remora::detail {

/// The program cannot be executed: it, its interpreter, its loader or the launcher is at fault.
class exec_failure : public error {
public:
    using error::error;
};

/// Starts the process that the options describe and returns its id. Throws `error`, `exec_failure`
/// where it is one; then there is no process.
pid_t spawn(const spawn_options& options);

/// The program that is started and its arguments. Throws `bad_option`.
std::vector<std::string> command_of(const spawn_options& options);

/// The same for a shell, in one line, with the working directory and what the environment is to
/// have besides that of the shell.
std::string shell_line(const spawn_options& options);

/// Why starting `program` (an absolute path) failed with `error_number`, as far as a look at the
/// files tells: "is a directory". Empty if the error number says it all.
std::string spawn_failure(const std::string& program, int error_number);

/// What is wrong with the directory: "does not exist". Empty if nothing is.
std::string directory_failure(const std::string& directory);

}  // namespace remora::detail
