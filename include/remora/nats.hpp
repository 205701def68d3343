// SPDX-License-Identifier: MIT
/// Services that workers on any number of machines serve, through a cluster of NATS. Of a library
/// of its own, remora_nats. <remora.hpp> does not include this.
///
///     remora::nats::gateway notes(executor, {.service = "notes"});         // where the apps are
///     server.serve("notes", notes.service(), {.executor = executor});
///
///     remora::nats::worker worker(executor, make_notes(), {.service = "notes"});   // anywhere
#pragma once

#include <remora/asio.hpp>
#include <remora/service.hpp>

#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <vector>

struct __natsOptions;

namespace remora::nats {

class gateway_core;
class worker_core;

/// TLS to the servers of NATS. A server that requires it gets it, whatever is said here. Files are
/// in PEM, and are read while it connects first.
struct tls_options {
    /// Connects to no server without TLS. So does any other of these options, and a URL tls://.
    bool required = false;
    /// A file of the authorities whose servers are trusted, beside those of the system.
    std::string authorities = {};
    /// A file of the own certificate with its chain, for servers that ask for one.
    std::string certificate = {};
    /// A file of its key.
    std::string key = {};
    /// What the certificate of the server has to be for; empty: the host of its URL, or what the
    /// server says of others of the cluster.
    std::string server_name = {};
};

/// How the servers of NATS are found, and who connects to them: at most one of user, token,
/// credentials and nkey. What contradicts itself is `bad_option`.
struct connection_options {
    /// URLs of any of them; others of the cluster are told by the first.
    std::vector<std::string> servers = {"nats://127.0.0.1:4222"};
    /// For servers whose URL has none.
    std::string user = {};
    /// The user's; no error tells it.
    std::string password = {};
    /// The same, in place of a user and a password.
    std::string token = {};
    /// A file with the user's JWT and its seed, as `nsc` writes it (.creds).
    std::string credentials = {};
    /// The user's public key, which begins with U.
    std::string nkey = {};
    /// A file with the seed of that.
    std::string nkey_seed = {};
    /// Whether and how the connection is encrypted.
    tls_options tls = {};
    /// Called with all other options of libnats before it connects; what it throws leaves
    /// the constructor that connects. Remora has set: reconnect for ever, every 100 ms. The event
    /// loop, and what is called when the connection has closed, are Remora's; with TLS, so is the
    /// size of the buffer for reading.
    std::function<void(__natsOptions*)> configure = {};
    /// The beginning of the subjects on which replies arrive; it ends with a point. The same for
    /// gateways and workers: a request that wants its reply on any other subject is not answered.
    std::string inbox_prefix = "_INBOX.";
    /// Called on the executor when libnats has given up for good, as after two refused passwords,
    /// with `refused` and what libnats says. All calls fail as `gone` then. Without it a worker
    /// throws that out of the executor's context, and a gateway does nothing.
    std::function<void(std::exception_ptr)> on_closed = {};
};

/// What a gateway may be told.
struct gateway_options {
    /// Calls go to the subject "remora." + service. 1 to 200 letters, digits, '-' and '_'.
    std::string service;
    connection_options connection = {};  ///< to NATS
    /// The names of requests (type_name_of) that may be served twice, beside those that say so
    /// themselves: see idempotent_request. Where the worker of one is lost before it has answered
    /// anything, and before an item of an upload was sent, others try.
    std::vector<std::string> idempotent = {};
    /// After so long without a sign of life from its worker a call fails as `gone`. At least 500
    /// ms: workers give one every 250 ms.
    std::chrono::milliseconds lost_after{700};
};

/// Passes calls on to workers. Move-only.
///
/// Values, streams, uploads with their back-pressure, failures, cancelling and time limits pass as
/// they are. A call fails as `gone` if its worker is lost, or what it says makes no sense, or while
/// there is no connection to NATS; as `overloaded` with `no_such_pipe`, at once, if there is no
/// worker. What is larger than the `max_payload` of the server of NATS is `message_too_large`. Each
/// is a failure of that call alone. Plain messages go to one worker, or get lost.
///
/// Belongs to `executor`; a strand if several threads run it. The calls of a pipe with another one
/// fail with `bad_option`. Keeps the context busy: it reads from NATS there.
class gateway {
public:
    /// Connects, and blocks until then. Throws `bad_name`, `bad_option`, and `refused` with the
    /// servers, what libnats says, and what may help.
    gateway(const asio::any_io_executor& executor, const gateway_options& options);
    /// What was moved from may only be destroyed, or assigned to.
    gateway(gateway&&) noexcept = default;
    /// Does to what was here what the destructor does.
    gateway& operator=(gateway&& other) noexcept;
    /// Fails its calls as `gone`. Waits, up to two seconds, until the server of NATS has taken what
    /// was said, or libnats has given up connecting. Services of it may live on: what they are
    /// asked then fails as `gone`.
    ~gateway();

    /// To be served on any number of pipes.
    remora::service service(service_options options = {}) const;

private:
    std::shared_ptr<gateway_core> core_;
};

/// What a worker may be told.
struct worker_options {
    std::string service;                 ///< as that of the gateways
    connection_options connection = {};  ///< to NATS
    /// After so long without a sign of life from its gateway the handler of a call is cancelled. At
    /// least 500 ms.
    std::chrono::milliseconds lost_after{700};
};

/// Serves a service to all gateways of the same name. Each call goes to one of all workers. The
/// handlers are those of any service; this_call().pipe() is a pipe to nobody. Move-only; keeps the
/// context busy.
///
/// Of calls and messages it has at most as many as `max_in_flight` of the service's options says:
/// another call fails as `overloaded`, another message is dropped.
///
/// Signs of life come from `executor`: a handler that blocks it for as long as `lost_after` loses
/// all calls of the worker. Belongs to `executor`; a strand if several threads run it.
class worker {
public:
    /// Connects, and blocks until then. Throws as that of gateway; `bad_option` for a service that
    /// ends on exceptions.
    worker(const asio::any_io_executor& executor, const remora::service& service,
           const worker_options& options);
    /// What was moved from may only be destroyed, or assigned to.
    worker(worker&&) noexcept = default;
    /// Does to what was here what the destructor does.
    worker& operator=(worker&& other) noexcept;
    /// Takes no call any more, cancels its handlers, fails their calls as `gone`, and waits as that
    /// of gateway. Not for the handlers: these end on the executor.
    ~worker();

    /// The same, and completes when every handler has ended. Cancelling ends only the wait.
    asio::awaitable<void> close();
    /// Takes no call any more, completes when all that it has are answered, and closes. Cancelled,
    /// it has stopped taking calls. A second call waits likewise.
    asio::awaitable<void> finish();

private:
    std::shared_ptr<worker_core> core_;
};

}  // namespace remora::nats
