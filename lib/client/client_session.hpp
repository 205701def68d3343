// SPDX-License-Identifier: MIT
/// The client's state: the server, from the handshake to its end.
#pragma once

#include "client/client_connections.hpp"
#include "client/client_control.hpp"
#include "pipe/pipe_trace.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace remora::detail {

/// What client::run wants to be told of the server. Called on the strand.
struct server_hooks {
    std::function<void()> on_gone;
    std::function<void()> on_goodbye;
    std::function<void(int pidfd)> on_server_known;
};

/// The server from the first hello until it is gone or the app leaves, and why no pipe can be had.
/// Owns the control pipe and the connections, which refer to it. Shared with what it has started.
/// Belongs to its strand.
class client_session : public std::enable_shared_from_this<client_session> {
public:
    client_session(asio::any_io_executor executor, client_options options);

    /// From now on what is sent and received is written down in the server's trace.
    void trace_into(const std::string& address) { trace_ = trace_file::join(address); }
    /// Opens the control pipe in `directory` and says hello. What goes wrong is kept for open().
    void start_handshake(const std::string& directory);
    /// There is none to meet: this program was started by hand, or has had a client already.
    void no_server(bool met_before);

    const asio::any_io_executor& executor() const noexcept { return executor_; }
    const asio::any_io_executor& strand() const noexcept { return strand_; }
    const client_options& options() const noexcept { return options_; }
    const std::optional<error>& failure() const noexcept { return failure_; }
    bool is_leaving() const noexcept { return leaving_; }
    bool is_gone() const noexcept { return gone_; }
    /// The directory of a server that is gone has been removed, if it could be.
    const bool& directory_removed() const noexcept { return directory_removed_; }
    int pidfd() { return server_ ? server_->native_handle() : -1; }

    /// A new pipe, for `executor`. Runs on the strand.
    static asio::awaitable<end_ptr> open(std::shared_ptr<client_session> self,
                                         asio::any_io_executor executor, std::string name,
                                         connect_options options);
    /// The names that the server knows. Runs on the strand.
    static asio::awaitable<std::vector<std::string>> list(std::shared_ptr<client_session> self);

    /// Removes the directory of a server that is gone. Runs on the strand.
    asio::awaitable<void> remove_server_directory();
    /// Closes every pipe, then the control pipe; completes when all has left. Runs on the strand.
    asio::awaitable<void> leave();
    /// Closes the control pipe at once, and waits for nothing; the pipes stay.
    void hang_up();

    server_hooks hooks;

    // For its parts.
    client_control& control() noexcept { return control_; }
    client_connections& connections() noexcept { return connections_; }
    void watch_server(int pid);
    void server_gone();
    void set_failure(const error& why);
    void emit(const event& e) { emit_(e); }
    /// What is written down of a pipe; null if nothing is. Throws std::bad_alloc.
    std::unique_ptr<pipe_trace> trace_of(const std::string& name, const std::string& track) const;

private:
    void fail_all();

    asio::any_io_executor executor_;
    asio::any_io_executor strand_;
    client_options options_;
    event_hook emit_;
    std::shared_ptr<trace_file> trace_;  ///< null: nothing is written down
    std::string directory_;
    int parent_pid_ = 0;
    std::optional<asio::posix::stream_descriptor> server_;  ///< its pidfd, once it is known
    bool leaving_ = false;
    bool gone_ = false;
    bool directory_removed_ = false;
    std::optional<error> failure_;  ///< why no pipe can be had
    client_control control_;
    client_connections connections_;
};

}  // namespace remora::detail
