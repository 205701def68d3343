// SPDX-License-Identifier: MIT
/// What the tests of processes share: starting the child program, waiting with a limit of time, and
/// putting the host's signals back.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <remora/process.hpp>

#include "base/unique_fd.hpp"
#include "support/support.hpp"

namespace doctest {
template <>
struct StringMaker<remora::exit_status> {
    static String convert(const remora::exit_status& status) {
        return remora::to_string(status).c_str();
    }
};
}  // namespace doctest

namespace test {

/// The child program in one of its modes, see child.cpp.
inline remora::spawn_options our_child(std::vector<std::string> arguments) {
    remora::spawn_options options{.target = REMORA_TEST_CHILD};
    options.arguments = std::move(arguments);
    return options;
}

/// With a umask it is another way of starting. What it finds has to be the same.
inline remora::spawn_options by_fork(remora::spawn_options options) {
    const mode_t mask = ::umask(0);
    ::umask(mask);
    options.umask = mask;
    return options;
}

/// Runs the context until the condition holds. A limit of time fails the test.
template <class Condition>
void run_until(asio::io_context& io, Condition condition) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    io.restart();
    while (!condition()) {
        if (io.run_one_until(limit) == 0)
            FAIL("the time limit of the test has passed, or the context has nothing left to do");
    }
}

/// Runs the context until it has nothing left to do.
inline void run_all(asio::io_context& io) {
    io.restart();
    io.run_for(std::chrono::seconds(20));
    if (!io.stopped()) FAIL("the time limit of the test has passed");
}

inline remora::exit_status end_of(asio::io_context& io, remora::child& child) {
    std::optional<remora::exit_status> result;
    auto done = [&](std::exception_ptr, remora::exit_status status) { result = status; };
    asio::co_spawn(io, child.wait(), done);
    run_until(io, [&] { return result.has_value(); });
    return *result;
}

inline remora::exit_status exited(int code) {
    return {remora::exit_kind::exited, code};
}

inline remora::exit_status signalled(int number) {
    return {remora::exit_kind::signalled, number};
}

inline bool no_child_is_left() {
    return ::waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD;
}

/// Takes the numbers that are left, so that no further descriptor can be made.
class no_more_descriptors {
public:
    no_more_descriptors() {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        const int next = ::dup(0);
        ::close(next);
        const rlimit none{static_cast<rlim_t>(next), before_.rlim_max};
        ::setrlimit(RLIMIT_NOFILE, &none);
    }
    ~no_more_descriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

private:
    rlimit before_{};
};

/// Closes a standard stream of this process while it lives.
class closed_stream {
public:
    explicit closed_stream(int fd) : fd_(fd), before_(::fcntl(fd, F_DUPFD_CLOEXEC, 3)) {
        ::close(fd);
    }
    closed_stream(const closed_stream&) = delete;
    ~closed_stream() { ::dup2(before_.get(), fd_); }

private:
    int fd_;
    remora::detail::unique_fd before_;
};

struct channel {
    channel() {
        std::array<int, 2> ends{};
        REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
        out.reset(ends[0]);
        in.reset(ends[1]);
    }
    /// All that comes until every writer has closed.
    std::string drain() {
        in.reset();
        std::string text;
        std::array<char, 4096> part{};
        for (ssize_t n = 1; n > 0 || (n < 0 && errno == EINTR);) {
            n = ::read(out.get(), part.data(), part.size());
            if (n > 0) text.append(part.data(), static_cast<std::size_t>(n));
        }
        return text;
    }
    remora::detail::unique_fd out, in;
};

/// What this process writes to stderr while it lives.
class captured_errors {
public:
    explicit captured_errors(std::string& into) : into_(into), before_(::dup(2)) {
        ::dup2(channel_.in.get(), 2);
    }
    ~captured_errors() {
        ::dup2(before_.get(), 2);
        into_ = channel_.drain();
    }
    captured_errors(const captured_errors&) = delete;
    captured_errors& operator=(const captured_errors&) = delete;

private:
    std::string& into_;
    channel channel_;
    remora::detail::unique_fd before_;
};

/// While it lives nobody reads what this process writes to stderr.
class unread_errors {
public:
    unread_errors() : before_(::dup(2)) {
        channel lost;
        ::dup2(lost.in.get(), 2);
    }
    ~unread_errors() { ::dup2(before_.get(), 2); }
    unread_errors(const unread_errors&) = delete;
    unread_errors& operator=(const unread_errors&) = delete;

private:
    remora::detail::unique_fd before_;
};

/// Starts it, lets it end, and returns what it wrote to its standard output.
inline std::string output_of(remora::spawn_options options) {
    asio::io_context io;
    channel output;
    options.standard_output = output.in.get();
    remora::child child(io.get_executor(), options);
    std::string text = output.drain();
    CHECK(end_of(io, child) == exited(0));
    return text;
}

/// Sets a signal's action and puts back what was there.
class signal_action {
public:
    signal_action(int number, void (*handler)(int), int flags = 0) : number_(number) {
        struct sigaction action{};
        action.sa_handler = handler;
        action.sa_flags = flags;
        ::sigaction(number, &action, &before_);
    }
    signal_action(const signal_action&) = delete;
    ~signal_action() { ::sigaction(number_, &before_, nullptr); }

private:
    int number_;
    struct sigaction before_{};
};

class blocked_signal {
public:
    explicit blocked_signal(int number) {
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, number);
        ::pthread_sigmask(SIG_BLOCK, &set, &before_);
    }
    blocked_signal(const blocked_signal&) = delete;
    ~blocked_signal() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

private:
    sigset_t before_;
};

/// A directory that goes with all that is in it.
class scratch {
public:
    scratch() {
        std::string name = std::filesystem::temp_directory_path() / "remora_test_XXXXXX";
        REQUIRE(::mkdtemp(name.data()));
        path = name;
    }
    scratch(const scratch&) = delete;
    ~scratch() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
    std::filesystem::path path;
};

}  // namespace test
