// SPDX-License-Identifier: MIT
#include "process/spawn.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include <remora/error.hpp>

#include "base/unique_fd.hpp"
#include "process/spawn_plan.hpp"

namespace remora::detail {

namespace {

std::string absolute(const std::string& path) {
    return std::filesystem::absolute(path).string();
}

}  // namespace

std::vector<std::string> command_of(const spawn_options& options) {
    if (options.target.empty()) raise(errc::bad_option, "target: no path is given");
    std::vector<std::string> words = options.launcher;
    // The child may look for it from another directory.
    if (!words.empty() && words[0].find('/') != std::string::npos) words[0] = absolute(words[0]);
    words.push_back(absolute(options.target));
    words.insert(words.end(), options.arguments.begin(), options.arguments.end());
    return words;
}

namespace {

std::string name_of(const std::string& variable) {
    return variable.substr(0, variable.find('='));
}

std::vector<std::string> environment_of(const spawn_options& options) {
    std::vector<std::string> gone = options.unset;
    for (const std::string& variable : options.environment) {
        if (variable.find('=', 1) == std::string::npos)
            raise(errc::bad_option, "environment: \"" + variable + "\" is not NAME=value");
        gone.push_back(name_of(variable));
    }
    std::vector<std::string> result;
    for (char** variable = environ; variable && *variable; ++variable) {
        if (std::find(gone.begin(), gone.end(), name_of(*variable)) == gone.end())
            result.emplace_back(*variable);
    }
    result.insert(result.end(), options.environment.begin(), options.environment.end());
    return result;
}

// Closed, or closed by exec: what the child opens first would become its standard stream.
bool is_missing(int stream) {
    const int flags = ::fcntl(stream, F_GETFD);
    return flags < 0 || (flags & FD_CLOEXEC) != 0;
}

// Through a copy out of the way, since one target may be the source of another.
void duplicate(spawn_plan& plan, int fd, int as) {
    unique_fd copy(::fcntl(fd, F_DUPFD_CLOEXEC, plan.first_closed));
    if (!copy) raise_system(errno, "descriptor " + std::to_string(fd) + " for a child");
    plan.steps.push_back({descriptor_step::kind::duplicate, as, copy.get()});
    plan.copies.push_back(std::move(copy));
}

void place_fd(spawn_plan& plan, const char* name, int fd, int as) {
    if (fd == null_device || (fd == inherited && is_missing(as)))
        plan.steps.push_back({descriptor_step::kind::open_null, as});
    else if (fd < 0 && fd != inherited)
        raise(errc::bad_option, std::string(name) + ": " + std::to_string(fd) +
                                    " is no descriptor, as after a failed open(2)");
    else if (fd != inherited)
        duplicate(plan, fd, as);
}

void place_file(spawn_plan& plan, const char* name, const std::filesystem::path& path, int as) {
    const int flags = as == 0 ? O_RDONLY : O_WRONLY | O_APPEND | O_CREAT;
    const unique_fd file(::open(path.c_str(), flags | O_CLOEXEC | O_NOCTTY, 0666));
    if (!file) raise_system(errno, std::string(name) + ": open \"" + path.string() + "\"");
    duplicate(plan, file.get(), as);
}

void place_stream(spawn_plan& plan, const char* name, const standard_stream& stream, int as) {
    if (const auto* const path = std::get_if<std::filesystem::path>(&stream))
        return place_file(plan, name, *path, as);
    place_fd(plan, name, std::get<int>(stream), as);
}

void place_descriptors(spawn_plan& plan, const spawn_options& options) {
    for (const inherited_fd& each : options.inherit) {
        if (each.as < 3)
            raise(errc::bad_option, "inherit: a number below 3 is a standard stream's");
        plan.first_closed = std::max(plan.first_closed, each.as + 1);
    }
    place_stream(plan, "standard_input", options.standard_input, 0);
    place_stream(plan, "standard_output", options.standard_output, 1);
    place_stream(plan, "standard_error", options.standard_error, 2);
    std::vector<bool> used(static_cast<std::size_t>(plan.first_closed));
    for (const inherited_fd& each : options.inherit) {
        duplicate(plan, each.fd, each.as);
        used[static_cast<std::size_t>(each.as)] = true;
    }
    for (int gap = 3; gap < plan.first_closed; ++gap) {
        if (!used[static_cast<std::size_t>(gap)])
            plan.steps.push_back({descriptor_step::kind::close, gap});
    }
}

std::vector<int> default_signals_of(const spawn_options& options) {
    std::vector<int> result{SIGPIPE, SIGCHLD};
    sigset_t known;
    sigemptyset(&known);
    for (const int signal : options.handled_signals) {
        if (sigaddset(&known, signal) < 0)
            raise(errc::bad_option, "handled_signals: " + std::to_string(signal));
        result.push_back(signal);
    }
    return result;
}

const std::vector<resource_limit>& limits_of(const spawn_options& options) {
    for (const resource_limit& each : options.resource_limits) {
        if (each.resource < 0) raise(errc::bad_option, "resource_limits: no resource is named");
    }
    return options.resource_limits;
}

spawn_plan plan_of(const spawn_options& options) {
    spawn_plan plan{.arguments = c_strings(command_of(options)),
                    .environment = c_strings(environment_of(options)),
                    .working_directory = options.working_directory,
                    .default_signals = default_signals_of(options),
                    .group = options.group,
                    .umask = options.umask,
                    .resource_limits = limits_of(options)};
    place_descriptors(plan, options);
    return plan;
}

[[noreturn]] void fail(const start_failure& why, const spawn_plan& plan) {
    const int error_number = why.error_number;
    const std::string& program = plan.arguments.first();
    const std::string start = "start \"" + program + "\"";
    if (why.resource >= 0)
        raise_system(error_number, start + ": its limit of resource " +
                                       std::to_string(why.resource) + ", as in setrlimit(2)");
    if (plan.working_directory) {
        const std::string what = directory_failure(*plan.working_directory);
        if (!what.empty())
            raise_system(error_number, start + ": its working directory \"" +
                                           *plan.working_directory + "\" " + what);
    }
    if (error_number == E2BIG)
        raise_system(error_number,
                     start + ": its arguments and environment have " +
                         std::to_string(plan.arguments.size() + plan.environment.size()) +
                         " bytes");
    const std::error_code code(error_number, std::system_category());
    if (program.find('/') == std::string::npos)
        throw exec_failure(code, start + ": looked up in PATH");
    const std::string what = spawn_failure(program, error_number);
    throw exec_failure(code, what.empty() ? start : start + ": it " + what);
}

}  // namespace

c_strings::c_strings(std::vector<std::string> strings) : strings_(std::move(strings)) {
    for (std::string& string : strings_) {
        if (string.find('\0') != std::string::npos)
            raise(errc::bad_option, "arguments and environment hold no NUL bytes");
        pointers_.push_back(string.data());
        size_ += string.size() + 1;
    }
    pointers_.push_back(nullptr);
}

pid_t spawn(const spawn_options& options) {
    const spawn_plan plan = plan_of(options);
    pid_t pid = -1;
    const bool needs_fork = plan.umask || !plan.resource_limits.empty();
    const auto failure = needs_fork ? spawn_by_fork(plan, pid) : spawn_as_posix(plan, pid);
    if (failure) fail(*failure, plan);
    return pid;
}

}  // namespace remora::detail
