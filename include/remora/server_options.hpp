// SPDX-License-Identifier: MIT
/// What a server is made with.
#pragma once

#include <remora/event.hpp>
#include <remora/limits.hpp>
#include <remora/process.hpp>
#include <remora/restart.hpp>
#include <remora/transport.hpp>

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace remora {

/// Called with each line that the app writes, without its newline, as the app wrote it: see quote()
/// for showing text of another process.
///
/// A line of more than 64 KiB comes in pieces of that size. The functions of a run are called one
/// at a time, on a strand of their own, from the app's start until before the run is over: what the
/// app wrote last has come by then, with or without a newline. They must not throw; what one throws
/// becomes an event `output_lost`.
///
/// The app never waits for a function: what it writes is read all the time, and up to 1 MiB of it
/// waits here. Lines beyond that are dropped. They are counted in the result, and each gap is an
/// event `output_lost`. Only while the context does not run, as when a function or handler computes
/// on its only thread, the app can write no more than its pipe takes.
using line_function = std::function<void(std::string_view line)>;

/// Where the app's standard output or error leads: a descriptor, `inherited`, `null_device`, the
/// path of a file that is appended to, or a function: see `standard_stream`.
using output_stream = std::variant<int, std::filesystem::path, line_function>;

/// What a server is made with.
struct server_options {
    /// The app's executable. A relative path is relative to the working directory.
    std::string target;
    /// The version number of the services, chosen by their author and raised with each release:
    /// see client_options::min_server_version.
    std::uint32_t version = 0;
    /// The app's working directory; none: the server's.
    std::optional<std::string> working_directory = {};
    /// Words to put before the target, as {"gdb", "--args"}; the environment's REMORA_LAUNCHER,
    /// split at spaces, if empty. With a launcher there is no start timeout.
    std::vector<std::string> launcher = {};
    /// Whether somebody else starts the app, such as an IDE or a debugger. Also if the environment
    /// has REMORA_ATTACH=1. The command to start it by is printed on standard error, and is the
    /// text of an event `awaiting_app`. There is no start timeout, and the standard streams, group,
    /// umask and limits are those that it is started with.
    ///
    /// The app is asked to end, and gets SIGTERM, as one of the server's own; but it is never
    /// killed: at the step SIGKILL, and when the server is destroyed, the run ends without it. It
    /// is signalled only if the kernel says that the process which said hello has the control pipe
    /// open; otherwise its end is that of the control pipe. Its status is `unknown` where the
    /// kernel does not tell (before Linux 6.15). Stopped before an app has come, the run ends at
    /// once, with the error `stopping`.
    bool attach = false;
    /// The same, for a command that does not change: the directory of each run is
    /// "remora-attach.NAME", so that it may stand in an IDE's settings. Also if the environment has
    /// REMORA_ATTACH=NAME. 1 to 64 letters, digits, `_`, `-` and `.`, otherwise `bad_option`. Of
    /// the servers of a user one at a time has a name: start() of another one fails with the
    /// system's EADDRINUSE and the process id of the first. Empty: the command differs each time.
    std::string attach_name = {};
    /// "NAME=value": added to the environment that the app inherits, or in place of what is there.
    std::vector<std::string> environment = {};
    /// Environment variables that are taken out of what the app inherits.
    std::vector<std::string> unset = {};
    /// See spawn_options. With a group of its own, the signals that stop the app go to all of the
    /// group. What is left of it when the app has ended goes on.
    process_group group = process_group::shared;
    std::optional<mode_t> umask = {};                  ///< the app's; none: the server's
    std::vector<resource_limit> resource_limits = {};  ///< the app's; others are the server's
    /// The app's standard streams. Where a function takes the lines, what the app has left behind
    /// cannot write any more once the run is over, and is not waited for.
    standard_stream standard_input = inherited;
    output_stream standard_output = inherited;  ///< likewise
    output_stream standard_error = inherited;   ///< likewise
    /// How long the app may take from its start to its hello.
    std::chrono::nanoseconds start_timeout = std::chrono::seconds(10);
    /// How long services may go on after the app has ended, until they are cancelled; and then how
    /// long functions may take its last lines.
    std::chrono::nanoseconds drain_timeout = std::chrono::seconds(1);
    /// How long each step of stopping the app may take: goodbye, then SIGTERM, then SIGKILL.
    std::chrono::nanoseconds stop_timeout = std::chrono::seconds(1);
    /// Whether SIGINT, SIGQUIT, SIGTERM and SIGHUP are acted on while a run lives: see
    /// `app_process`. Those that the host handles or ignores when it starts are left alone. Each
    /// run of the process that lives gets the signal, whichever server and context it belongs to.
    bool handle_signals = true;
    /// Whether the app is started again when a signal has killed it or its exit code is not 0.
    /// None: it is not. Nor is an app that was stopped or refused, one that ends after a stop
    /// signal has come to this process, and one whose status is unknown.
    ///
    /// Each of these lives begins as the first did, with a directory and shared memory of its own,
    /// when the services of the one before have ended: the pipes of that have failed with
    /// `app_gone`, and calls that were in flight with the kind `gone`. pipe::life() tells them
    /// apart. Each restart is an event `restarting`, also if it fails, which counts as a failure of
    /// the app; at the limit there is an event `gave_up`. A stop during a delay ends the run at
    /// once.
    std::optional<restart_options> restart = {};
    /// How many pipes the app may have open. Each takes three descriptors of the server.
    std::size_t max_connections = 1024;
    /// Whether this user's `remora-inspect` can look into a run: its pipes, what they have done. It
    /// takes one descriptor, and no time until somebody looks. If the socket cannot be made the run
    /// goes on without it.
    bool inspect = true;
    pipe_limits limits = {};  ///< of the server's ends of its pipes
    /// The time limit of the server's calls that have none of their own, on each pipe: see
    /// pipe::set_default_timeout(). Above 0; max(): none.
    std::chrono::nanoseconds call_timeout = std::chrono::nanoseconds::max();
    /// The transport of connections. serve() may choose another, and what follows, too.
    /// Where `shared_memory` is demanded and cannot be had, the app's connect() fails with
    /// `no_transport`, or `overloaded` if memory is short; `automatic` falls back, with an event.
    transport_kind transport = transport_kind::automatic;
    /// How the server's ends wait.
    wait_policy waiting = wait_policy::adaptive;
    /// Bytes of each of the two rings of a connection over shared memory: a power of two, from one
    /// page to 1 GiB. A larger message goes through a ring in pieces, with one more copy.
    std::size_t ring_size = 256u << 10;
    event_hook on_event = {};  ///< told what happens to the server: see event_hook
    /// Called when an exception leaves a service, on that pipe's executor, so perhaps by several
    /// threads at once; or a function that makes one, on the server's strand. By default a line on
    /// stderr.
    std::function<void(std::string_view name, std::exception_ptr why)> on_failure = {};
};

}  // namespace remora
