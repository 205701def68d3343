// SPDX-License-Identifier: MIT
/// The main coroutine of an app under client::run().
#pragma once

#include <remora/client.hpp>
#include <remora/detail/base/canceller.hpp>

#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace remora::detail {

// After sysexits.h: EX_UNAVAILABLE and EX_SOFTWARE; 143 is what a shell makes of SIGTERM.
inline constexpr int code_no_server = 69;
inline constexpr int code_exception = 70;
inline constexpr int code_goodbye = 143;

/// How long a cancelled app may take to unwind before run() returns without it.
inline constexpr auto unwinding = std::chrono::milliseconds(250);

/// Prints what went wrong; returns `code`.
int say(const std::string& what, int code);

/// What client::run and its handlers share: handlers may outlive run().
struct main_coroutine : std::enable_shared_from_this<main_coroutine> {
    main_coroutine(asio::io_context& context, const client_options& client)
        : io(context), policy(client.on_server_gone), limit_timer(context) {}

    /// Spawns the coroutine.
    void start(std::function<asio::awaitable<int>()> app);
    /// The server asks the app to end: cancels the coroutine.
    void stop_requested();
    /// The server is gone: cancels the coroutine and limits its time, unless the policy is `stay`.
    void server_lost();
    /// run_until() returns after this time, whatever its flag.
    void give_up_after(std::chrono::nanoseconds time);
    /// Runs the context until set() is called with that flag, or the time has passed.
    void run_until(const bool& done);
    void set(bool& flag);
    /// What client::run() returns, printed if it is a failure.
    int exit_code(const std::optional<error>& of_client) const;
    int code_of_failure() const;
    bool failed_without_server() const;

    asio::io_context& io;
    server_gone_policy policy;
    canceller stop;
    asio::steady_timer limit_timer;
    int code = 0;
    std::exception_ptr failure;
    bool finished = false;          ///< the coroutine has ended
    bool left = false;              ///< the client has closed its pipes
    bool goodbye = false;           ///< the server has asked the app to end
    bool gone = false;              ///< there is no server any more
    const bool* awaited = nullptr;  ///< the flag that run_until() waits for
};

}  // namespace remora::detail
