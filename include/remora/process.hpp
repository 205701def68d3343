// SPDX-License-Identifier: MIT
/// A child process: started, signalled, awaited, and never left behind.
#pragma once

#include <remora/detail/base/standard.hpp>

#include <sys/resource.h>
#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <remora/asio.hpp>

namespace remora {

/// What ended a process.
enum class exit_kind {
    exited,     ///< The process has called exit, or returned from main.
    signalled,  ///< A signal has killed it.
    unknown,  ///< Somebody else in this process took the status; or it is no child of this process.
};

/// How a process ended.
struct exit_status {
    exit_kind kind = exit_kind::unknown;  ///< what ended it
    int value = 0;                        ///< the exit code, or the number of the signal

    /// Whether it has exited with 0.
    bool ok() const { return kind == exit_kind::exited && value == 0; }
    /// As a shell puts it: the exit code, 128 + N for signal N. 125 if it is unknown.
    int code() const;
    /// Whether both members are the same.
    bool operator==(const exit_status&) const = default;
};

/// "exited with 3", "killed by SIGKILL (9)".
std::string to_string(const exit_status& status);

/// The steps of stopping an app, in their order; in a result, the last one that was needed.
enum class stop_step { none, goodbye, sigterm, sigkill };

/// "none", "goodbye", "SIGTERM", "SIGKILL".
std::string to_string(stop_step step);

/// A `standard_stream` that is that of this process; /dev/null if that is closed, or close-on-exec.
/// Not -1, which open(2) returns when it fails.
inline constexpr int inherited = -2;
/// A `standard_stream` that is /dev/null.
inline constexpr int null_device = -3;

/// Where a standard stream of a child leads: a descriptor, which is needed only during the start,
/// `inherited` or `null_device`; or the path of a file. Standard input reads that file; output is
/// appended to it, and it is made where there is none. It is opened by this process, with its
/// working directory and umask.
using standard_stream = std::variant<int, std::filesystem::path>;

/// A descriptor `fd` of this process that the child shall have under the number `as`.
struct inherited_fd {
    int fd = -1;  ///< of this process; stays open here
    int as = -1;  ///< the child's number for it
};

/// The process group of a child: who gets the signals that a terminal, or child::signal(), sends to
/// a group.
enum class process_group {
    /// That of this process. On a terminal they are one job: Ctrl-C, Ctrl-Z and a hang-up reach
    /// all, and all may read from it.
    shared,
    /// A group of its own, for the child and what it starts: child::signal() reaches all of it. On
    /// a terminal it is a job in the background: Ctrl-C and Ctrl-Z do not reach it, and reading
    /// from the terminal stops it.
    own,
    /// A session of its own, without a terminal, and a group as with `own`.
    session,
};

/// A limit as for setrlimit(2).
struct resource_limit {
    int resource = -1;            ///< RLIMIT_NOFILE and the like
    rlim_t soft = RLIM_INFINITY;  ///< what holds, in the unit of the resource
    rlim_t hard = RLIM_INFINITY;  ///< how far the child may raise it
};

/// What to start, and what it finds when it starts.
struct spawn_options {
    /// The program. A relative path starts at this process's working directory, also if the child
    /// gets another. It is not looked up in PATH.
    std::string target;
    /// The arguments after argv[0], which is the target's absolute path.
    std::vector<std::string> arguments = {};
    /// "NAME=value": added to the environment of this process, or in place of what is there.
    std::vector<std::string> environment = {};
    /// Names that the child shall not have in its environment.
    std::vector<std::string> unset = {};
    /// Inherited if there is none.
    std::optional<std::string> working_directory = {};
    /// A program, looked up in PATH, and its arguments: it is started instead, with the target and
    /// the target's arguments after its own ("gdb", "--args").
    std::vector<std::string> launcher = {};
    standard_stream standard_input = inherited;   ///< where it comes from, or leads
    standard_stream standard_output = inherited;  ///< likewise
    standard_stream standard_error = inherited;   ///< likewise
    /// Every other descriptor is closed in the child. `as` is 3 or more, best without gaps.
    std::vector<inherited_fd> inherit = {};
    /// Signals that this process handles or ignores for its own ends: at their default in the
    /// child, as SIGPIPE and SIGCHLD always are. Others stay as they are, so what nohup(1) has set
    /// up reaches the child. No signal is blocked there.
    std::vector<int> handled_signals = {};
    process_group group = process_group::shared;  ///< whose signals the child gets
    /// Both inherited if there are none. With either, the start copies this process by fork(2),
    /// instead of posix_spawn(3): it takes longer where this process has much memory.
    std::optional<mode_t> umask = {};
    std::vector<resource_limit> resource_limits = {};  ///< see umask
};

/// A child process and the duty to reap it: exactly this one, with waitpid(2), no other child of
/// the program is touched. It is reaped as soon as the context runs after its end.
///
/// The end is noticed by an asio::signal_set on SIGCHLD and by a pidfd, or, where there is none, by
/// looking every 20 ms: a handler or a mask of the program's own can keep SIGCHLD from us. A
/// handler that is already there stays in its place; otherwise SIGCHLD has its default action
/// afterwards. If somebody else reaps the child, the status is `unknown`.
///
/// The context has work until the child is reaped. Not thread-safe: a child belongs to the executor
/// it was made with, and that must be a strand if several threads run the context. Only the
/// constructor may be called from anywhere, also while other threads run the context. A child that
/// was moved from may only be assigned to or destroyed.
class child {
public:
    /// Starts it. The options are needed only during the call.
    ///
    /// Throws `error`: `bad_option`, or a code of the system's with a text that says what is at
    /// fault, be it the target, the interpreter it names, the working directory, the launcher or
    /// the length of the arguments. Then no process is left.
    child(asio::any_io_executor executor, const spawn_options& options);

    /// If it is still living: SIGKILL, to its group as well, and waits until it is gone (with no
    /// other limit than the kernel's). Those who await it get its status. The context may be gone
    /// by now.
    ~child();

    /// Those who await it go on.
    child(child&& other) noexcept;
    /// Ends the child that was here, as the destructor does.
    child& operator=(child&& other) noexcept;

    /// Its process id. After it was reaped the number may belong to another process.
    pid_t pid() const;

    /// The status once it was reaped; before that, none.
    std::optional<exit_status> status() const;

    /// Completes when the child is reaped, at once if it is already.
    ///
    /// Cancelling (`asio::error::operation_aborted`) ends only this wait; nothing else makes it
    /// fail. Any number of coroutines may wait, again and again: all get the same status. They run
    /// on the child's executor. The child need not outlive the wait.
    asio::awaitable<exit_status> wait();

    /// Reaps the child now if it has ended. Never blocks. This happens by itself: it is for those
    /// who have another sign of its end, and want status() at once.
    void try_reap();

    /// Sends a signal, to the whole of its group if it has one of its own; also to the child if it
    /// has left that. False, and nothing is sent, if it was reaped before: no other process that
    /// got its number is ever hit. Throws `error` with the system's code if it is not permitted.
    bool signal(int number);
    bool terminate();  ///< signal(SIGTERM)
    bool kill();       ///< signal(SIGKILL)

private:
    struct state;
    struct watcher;
    std::shared_ptr<state> state_;
};

}  // namespace remora
