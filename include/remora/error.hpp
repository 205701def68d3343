// SPDX-License-Identifier: MIT
/// Error codes, and the exception that carries them.
#pragma once

#include <remora/detail/base/standard.hpp>

#include <string>
#include <string_view>
#include <system_error>

namespace remora {

/// Codes of the category `remora`. They never change their number: some travel on the wire.
enum class errc {
    /// This program was started without a server.
    no_server = 1,
    /// The server has ended, or has been killed, while the app was using it.
    server_gone = 2,
    /// The app has ended, or has been killed, while the server was serving it.
    app_gone = 3,
    /// The server refused the app's handshake, or could not make a pipe; the text says why.
    refused = 4,
    /// The two sides have no version of the protocol in common.
    version_mismatch = 5,
    /// The app did not say hello within the start timeout.
    start_timeout = 6,
    /// The server does not serve a pipe of that name.
    no_such_pipe = 7,
    /// The name cannot be the name of a pipe: empty, too long, or with characters that are not
    /// allowed.
    bad_name = 8,
    /// The pipe is closed, by this end or by the other.
    closed = 9,
    /// The other end vanished in the middle of the conversation.
    broken_pipe = 10,
    /// Another coroutine is receiving on this pipe.
    receive_in_progress = 11,
    /// The operation's own time limit has passed. Nothing was consumed.
    timed_out = 12,
    /// The message at the head of the pipe is of another type. It stays there.
    type_mismatch = 13,
    /// A field of the value has another kind than the one that is read.
    field_mismatch = 14,
    /// The bytes end inside a value.
    truncated = 15,
    /// Bytes that no value of this type has.
    bad_value = 16,
    /// The value would take more memory, or its hash tables more time, than decoding may use.
    over_budget = 17,
    /// The value is nested more deeply than the limit.
    too_deep = 18,
    /// The message is larger than the agreed limit.
    message_too_large = 19,
    /// The other end does not keep to the protocol.
    protocol_error = 20,
    /// The service that stood behind the pipe has ended with an exception.
    service_failed = 21,
    /// The server is stopping and takes no new connection.
    stopping = 22,
    /// An app is running already: a server serves one at a time.
    already_running = 23,
    /// An option is invalid; the text says which.
    bad_option = 24,
    /// The other side has as much to do as it takes: connections, or calls.
    overloaded = 25,
    /// Server and app allow no transport that both could use; the text says what is missing.
    no_transport = 26,
    /// The handler of a call has thrown an exception; the text is its message.
    handler_failed = 27,
    /// The service at the other end takes no request of that type.
    unknown_request = 28,
    /// The handler of a call was cancelled, at its own end.
    cancelled = 29,
};

/// The category of `errc`, named "remora".
const std::error_category& category() noexcept;

/// The code as std::error_code, for comparisons such as `e.code() == errc::closed`.
std::error_code make_error_code(errc code) noexcept;

/// What Remora throws: a code (of this category or the system's) and where it happened: which
/// pipe, which type, which limit. Text that came from the other process is quoted and escaped.
class error : public std::system_error {
public:
    /// `context` says where it happened; it is copied.
    error(std::error_code code, const std::string& context);
    /// The same error, seen from further out: `outer` goes before its context.
    error(const error& inner, const std::string& outer);

    /// Where it happened: what() without the text of the code.
    std::string context() const;
};

/// Text from the other process, fit to be shown: cut at `limit` bytes, control characters and
/// quotes escaped, within double quotes.
std::string quote(std::string_view text, std::size_t limit = 256);

namespace detail {
[[noreturn]] void throw_error(errc code, const std::string& context);
[[noreturn]] void throw_system_error(int error_number, const std::string& context);
}  // namespace detail

}  // namespace remora

template <>
struct std::is_error_code_enum<remora::errc> : std::true_type {};
