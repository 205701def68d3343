// SPDX-License-Identifier: MIT
#include "spawn.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include <remora/error.hpp>

#include "unique_fd.hpp"

namespace remora::detail {

namespace {

void check(int error_number, const char* what) {
    if (error_number != 0) raise_system(error_number, what);
}

/// A null-terminated array for exec. It refers to the strings.
class c_strings {
public:
    explicit c_strings(const std::vector<std::string>& strings) {
        for (const std::string& string : strings) {
            if (string.find('\0') != std::string::npos)
                raise(errc::bad_option, "arguments and environment hold no NUL bytes");
            pointers_.push_back(const_cast<char*>(string.c_str()));
            size_ += string.size() + 1;
        }
        pointers_.push_back(nullptr);
    }
    char* const* data() const { return pointers_.data(); }
    std::size_t size() const { return size_; }

private:
    std::vector<char*> pointers_;
    std::size_t size_ = 0;
};

/// What the child does with its descriptors and its directory, in this order.
class file_actions {
public:
    file_actions() { check(::posix_spawn_file_actions_init(&actions_), "prepare a start"); }
    file_actions(const file_actions&) = delete;
    ~file_actions() { ::posix_spawn_file_actions_destroy(&actions_); }

    // Through a copy out of the way, since one target may be the source of another.
    void duplicate(int fd, int as, int lowest_copy) {
        unique_fd copy(::fcntl(fd, F_DUPFD_CLOEXEC, lowest_copy));
        if (!copy) raise_system(errno, "descriptor " + std::to_string(fd) + " for a child");
        check(::posix_spawn_file_actions_adddup2(&actions_, copy.get(), as), "prepare a start");
        copies_.push_back(std::move(copy));
    }
    void open_null(int as) {
        check(::posix_spawn_file_actions_addopen(&actions_, as, "/dev/null", O_RDWR, 0),
              "prepare a start");
    }
    void close(int fd) {
        check(::posix_spawn_file_actions_addclose(&actions_, fd), "prepare a start");
    }
    void close_from(int fd) {
        check(::posix_spawn_file_actions_addclosefrom_np(&actions_, fd), "prepare a start");
    }
    void change_directory(const std::string& path) {
        check(::posix_spawn_file_actions_addchdir_np(&actions_, path.c_str()), "prepare a start");
    }
    const posix_spawn_file_actions_t* get() const { return &actions_; }

private:
    posix_spawn_file_actions_t actions_;
    std::vector<unique_fd> copies_;
};

/// Which signals are at their default in the child. None is blocked: a thread that blocks them may
/// start it.
class attributes {
public:
    explicit attributes(const std::vector<int>& handled) {
        sigset_t defaults, blocked;
        sigemptyset(&defaults);
        sigemptyset(&blocked);
        auto reset = [&](int signal) {
            if (sigaddset(&defaults, signal) < 0)
                raise(errc::bad_option, "handled_signals: " + std::to_string(signal));
        };
        reset(SIGPIPE);
        reset(SIGCHLD);
        std::for_each(handled.begin(), handled.end(), reset);
        check(::posix_spawnattr_init(&attributes_), "prepare a start");
        ::posix_spawnattr_setsigdefault(&attributes_, &defaults);
        ::posix_spawnattr_setsigmask(&attributes_, &blocked);
        ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    }
    attributes(const attributes&) = delete;
    ~attributes() { ::posix_spawnattr_destroy(&attributes_); }
    const posix_spawnattr_t* get() const { return &attributes_; }

private:
    posix_spawnattr_t attributes_;
};

std::string absolute(const std::string& path) {
    return std::filesystem::absolute(path).string();
}

std::vector<std::string> command_of(const spawn_options& options) {
    if (options.target.empty()) raise(errc::bad_option, "target: no path is given");
    std::vector<std::string> words = options.launcher;
    // The child may look for it from another directory.
    if (!words.empty() && words[0].find('/') != std::string::npos) words[0] = absolute(words[0]);
    words.push_back(absolute(options.target));
    words.insert(words.end(), options.arguments.begin(), options.arguments.end());
    return words;
}

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

void place_stream(file_actions& actions, const char* name, int fd, int as, int lowest_copy) {
    if (fd == null_device || (fd == inherited && is_missing(as)))
        actions.open_null(as);
    else if (fd < 0 && fd != inherited)
        raise(errc::bad_option, std::string(name) + ": " + std::to_string(fd) +
                                    " is no descriptor, as after a failed open(2)");
    else if (fd != inherited)
        actions.duplicate(fd, as, lowest_copy);
}

void place_descriptors(file_actions& actions, const spawn_options& options) {
    int last = 2;
    for (const inherited_fd& each : options.inherit) {
        if (each.as < 3)
            raise(errc::bad_option, "inherit: a number below 3 is a standard stream's");
        last = std::max(last, each.as);
    }
    std::vector<bool> used(static_cast<std::size_t>(last) + 1);
    place_stream(actions, "standard_input", options.standard_input, 0, last + 1);
    place_stream(actions, "standard_output", options.standard_output, 1, last + 1);
    place_stream(actions, "standard_error", options.standard_error, 2, last + 1);
    for (const inherited_fd& each : options.inherit) {
        actions.duplicate(each.fd, each.as, last + 1);
        used[static_cast<std::size_t>(each.as)] = true;
    }
    for (int gap = 3; gap < last; ++gap) {
        if (!used[static_cast<std::size_t>(gap)]) actions.close(gap);
    }
    actions.close_from(last + 1);
}

[[noreturn]] void fail(int error_number, const spawn_options& options, const std::string& program,
                       std::size_t bytes) {
    const std::string start = "start \"" + program + "\"";
    if (options.working_directory) {
        const std::string what = directory_failure(*options.working_directory);
        if (!what.empty())
            raise_system(error_number, start + ": its working directory \"" +
                                           *options.working_directory + "\" " + what);
    }
    if (error_number == E2BIG)
        raise_system(error_number, start + ": its arguments and environment have " +
                                       std::to_string(bytes) + " bytes");
    const std::error_code code(error_number, std::system_category());
    if (program.find('/') == std::string::npos)
        throw exec_failure(code, start + ": looked up in PATH");
    const std::string what = spawn_failure(program, error_number);
    throw exec_failure(code, what.empty() ? start : start + ": it " + what);
}

}  // namespace

pid_t spawn(const spawn_options& options) {
    const std::vector<std::string> words = command_of(options);
    const std::vector<std::string> variables = environment_of(options);
    const c_strings argv(words);
    const c_strings envp(variables);
    file_actions actions;
    place_descriptors(actions, options);
    if (options.working_directory) actions.change_directory(*options.working_directory);
    const attributes attributes(options.handled_signals);
    pid_t pid = -1;
    // The target has a slash in it and is not looked up; a launcher is.
    const int result = ::posix_spawnp(&pid, words[0].c_str(), actions.get(), attributes.get(),
                                      argv.data(), envp.data());
    if (result != 0) fail(result, options, words[0], argv.size() + envp.size());
    return pid;
}

}  // namespace remora::detail
