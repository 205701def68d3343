// SPDX-License-Identifier: MIT
/// What a child does between its start and exec, made ready before the start.
#pragma once

#include <signal.h>

#include <optional>
#include <string>
#include <vector>

#include <remora/process.hpp>

#include "base/unique_fd.hpp"

namespace remora::detail {

/// A null-terminated array for exec, with the strings.
class c_strings {
public:
    /// Throws `bad_option` for NUL bytes.
    explicit c_strings(std::vector<std::string> strings);
    c_strings(c_strings&&) = default;

    char* const* data() const { return pointers_.data(); }
    const std::string& first() const { return strings_.front(); }
    /// In bytes, as exec counts them.
    std::size_t size() const { return size_; }

private:
    std::vector<std::string> strings_;
    std::vector<char*> pointers_;
    std::size_t size_ = 0;
};

/// One thing to do with the child's descriptor `as`.
struct descriptor_step {
    enum class kind { duplicate, open_null, close };
    kind what = kind::close;
    int as = -1;
    int fd = -1;  ///< what is duplicated
};

struct spawn_plan {
    c_strings arguments;  ///< the program first; looked up in PATH if it has no slash
    c_strings environment;
    std::vector<descriptor_step> steps = {};
    int first_closed = 3;  ///< this descriptor and all above
    std::vector<unique_fd> copies = {};
    std::optional<std::string> working_directory = {};
    std::vector<int> default_signals = {};
    process_group group = process_group::shared;
    std::optional<mode_t> umask = {};
    std::vector<resource_limit> resource_limits = {};
};

/// Why there is no process.
struct start_failure {
    int error_number = 0;
    int resource = -1;  ///< whose limit could not be set
};

/// Plans the child's standard streams and the descriptors that it inherits. Throws `bad_option`,
/// and what the system says of a file or a descriptor.
void place_descriptors(spawn_plan& plan, const spawn_options& options);

/// By posix_spawn(3), which sets neither umask nor limits.
std::optional<start_failure> spawn_as_posix(const spawn_plan& plan, pid_t& pid);

/// By fork(2), with all of the plan.
std::optional<start_failure> spawn_by_fork(const spawn_plan& plan, pid_t& pid);

}  // namespace remora::detail
