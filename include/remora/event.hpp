// SPDX-License-Identifier: MIT
/// Events that servers and clients report.
#pragma once

#include <remora/detail/base/standard.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <system_error>

namespace remora {

/// What has happened.
enum class event_kind {
    started,       ///< The app, or its launcher, runs; `pid` is its process.
    awaiting_app,  ///< The server waits for an app that somebody else starts, by the command in
                   ///< `text`.
    hello,         ///< The handshake is complete; `pid` is the other side's, as it says.
    refused,       ///< The handshake, or the control pipe later, has failed; `code` and `text` say
                   ///< why.
    connected,     ///< A pipe is open.
    rejected,      ///< A pipe was asked for and not given.
    closed,        ///< A pipe's service has ended; `code` is set unless the end was clean.
    service_failed,  ///< A service ended with an exception, or could not be made; `text` is what
                     ///< that said.
    goodbye,    ///< In a server: the app has closed the control pipe. In a client: the server asks
                ///< the app to end.
    stopping,   ///< The stop sequence takes a step, or could not; `text` names it.
    app_ended,  ///< The app is reaped; `text` says how. Its services may still go on.
    server_gone,  ///< The server has vanished.
    fallback,     ///< FIFOs instead of shared memory; `code` and `text` say why.
    output_lost,  ///< Lines of the app's output were dropped, or the function that was called with
                  ///< one has thrown; `text` says which stream, and how many or what.
    restarting,   ///< The app has failed and is started again; `text` says when. With a `code` that
                  ///< could not be done, and `text` says why.
    gave_up,  ///< The app has failed and is not started again: the limit, in `text`, is reached.
              ///< Without an event_hook it is a line on stderr.
    message_dropped,  ///< The other end has sent a message that nothing here takes; `text` names
                      ///< its type, and says what to do. Told once for a type and pipe, of the
                      ///< first 16 types. Without an event_hook it is a line on stderr.
};

/// What a server or a client tells its event_hook.
struct event {
    event_kind kind{};             ///< what has happened
    std::string pipe = {};         ///< the name, where it is about a pipe
    std::uint64_t connection = 0;  ///< its number in this life of the app
    int pid = 0;                   ///< of the process in question; 0: none
    std::uint32_t life = 0;        ///< of the app, in a server: 1, and 1 more for each restart
    std::error_code code = {};     ///< why, where event_kind says so; otherwise none
    std::string text = {};         ///< more about it, where event_kind says so; for people
};

/// One line: `connected pipe "maths" #1`.
std::string to_string(const event& e);

/// Takes events, which live during the call only. Must not throw. Called on the strand of the
/// server or client; for events before start() has returned, or in the client's constructor, on the
/// calling thread.
using event_hook = std::function<void(const event&)>;

namespace detail {
/// `hook`, and a line on stderr for each event if the environment has REMORA_LOG=debug; without
/// both, a line for `message_dropped` and `gave_up`. Another REMORA_LOG is told of on stderr.
event_hook with_log(event_hook hook, std::string_view who);
}  // namespace detail

}  // namespace remora
