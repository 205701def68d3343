// SPDX-License-Identifier: MIT
#include "process/spawn.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include <remora/error.hpp>

#include "base/path_text.hpp"
#include "process/spawn_plan.hpp"

namespace remora::detail {

namespace {

std::string absolute(const std::string& path) {
    return std::filesystem::absolute(path).string();
}

}  // namespace

std::vector<std::string> command_of(const spawn_options& options) {
    if (options.target.empty()) throw_error(errc::bad_option, "target: no path is given");
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
            throw_error(errc::bad_option, "environment: \"" + variable + "\" is not NAME=value");
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

std::vector<int> default_signals_of(const spawn_options& options) {
    std::vector<int> result{SIGPIPE, SIGCHLD};
    sigset_t known;
    sigemptyset(&known);
    for (const int signal : options.handled_signals) {
        if (sigaddset(&known, signal) < 0)
            throw_error(errc::bad_option, "handled_signals: " + std::to_string(signal));
        result.push_back(signal);
    }
    return result;
}

const std::vector<resource_limit>& limits_of(const spawn_options& options) {
    for (const resource_limit& each : options.resource_limits) {
        if (each.resource < 0)
            throw_error(errc::bad_option, "resource_limits: no resource is named");
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
    const std::string start = "start \"" + path_text(program) + "\"";
    if (why.resource >= 0)
        throw_system_error(error_number, start + ": its limit of resource " +
                                             std::to_string(why.resource) + ", as in setrlimit(2)");
    if (plan.working_directory) {
        const std::string what = directory_failure(*plan.working_directory);
        if (!what.empty())
            throw_system_error(error_number, start + ": its working directory \"" +
                                                 path_text(*plan.working_directory) + "\" " + what);
    }
    if (error_number == E2BIG)
        throw_system_error(error_number,
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
            throw_error(errc::bad_option, "arguments and environment hold no NUL bytes");
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
