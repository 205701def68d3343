// SPDX-License-Identifier: MIT
/// The client's state, shared with what it has started. Belongs to its strand.
#pragma once

#include "base/unique_fd.hpp"
#include "pipe/control_pipe.hpp"
#include "transport/shared_memory.hpp"

#include <remora/client.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace remora::detail {

/// Whether a FIFO is not there, or has no reader: its server is gone, or does not wait any longer.
bool is_absent(const error& why);

class client_core : public std::enable_shared_from_this<client_core> {
public:
    client_core(asio::any_io_executor executor, client_options options);

    /// Opens the control pipe in `directory` and says hello. What goes wrong is kept for open().
    void start_handshake(const std::string& directory);
    /// There is none to meet: this program was started by hand, or has had a client already.
    void no_server(bool met_before);

    const asio::any_io_executor& executor() const noexcept { return executor_; }
    const asio::any_io_executor& strand() const noexcept { return strand_; }
    const client_options& options() const noexcept { return options_; }
    bool server_is_gone() const noexcept { return gone_; }
    bool is_stopping() const noexcept { return stopping_; }
    /// The directory of a server that is gone has been removed, if it could be.
    const bool& directory_removed() const noexcept { return directory_removed_; }
    const std::optional<error>& failure() const noexcept { return failure_; }
    int control_fd() const noexcept { return control_fd_; }
    int server_pidfd() { return server_ ? server_->native_handle() : -1; }

    /// A new pipe, for `executor`. Runs on the strand.
    static asio::awaitable<end_ptr> open(std::shared_ptr<client_core> self,
                                         asio::any_io_executor executor, std::string name,
                                         connect_options options);

    /// The names that the server knows. Runs on the strand.
    static asio::awaitable<std::vector<std::string>> list(std::shared_ptr<client_core> self);

    /// Removes the directory of a server that is gone. Runs on the strand.
    static asio::awaitable<void> remove_server_directory(std::shared_ptr<client_core> self);
    /// Closes every pipe, then the control pipe; completes when all has left. Runs on the strand.
    static asio::awaitable<void> leave(std::shared_ptr<client_core> self);
    void hang_up();

    // Called on the strand.
    std::function<void()> on_gone;
    std::function<void()> on_goodbye;
    std::function<void(int pidfd)> on_server_known;

private:
    struct request;

    /// Asks for a pipe once.
    static asio::awaitable<end_ptr> try_open(std::shared_ptr<client_core> self,
                                             asio::any_io_executor executor, std::string name,
                                             connect_options options, deadline until);
    void say_hello(fifo_ends ends);
    static asio::awaitable<void> listen(std::shared_ptr<client_core> self);
    static asio::awaitable<void> await_welcome(std::shared_ptr<client_core> self, deadline until);
    template <class Answer>
    static asio::awaitable<Answer> answer(request& asked);
    std::uint32_t allowed(const connect_options& options) const;
    void handle(const frame& f);
    void welcomed(const wire::welcome& terms);
    void answered(const frame& f);
    void find_arena(const wire::welcome& terms);
    void watch_server(int pid);
    void server_gone();
    void set_failure(const error& why);
    void fail_requests();
    void abandon_all();
    end_ptr make_pipe(const asio::any_io_executor& executor, const std::string& name,
                      std::uint64_t id, const wire::connection_offer& offer, wait_policy waiting);
    fifo_ends open_ends(const std::string& base) const;
    shared_rings map(const wire::connection_offer& offer) const;
    static void say_open(const fifo_ends& ends, std::uint64_t id);

    asio::any_io_executor executor_;
    asio::any_io_executor strand_;
    client_options options_;
    event_hook emit_;
    std::string directory_;
    unique_fd directory_fd_;
    std::shared_ptr<pipe_state> control_;
    std::shared_ptr<shm_arena> arena_;  ///< none: only FIFOs
    std::string no_arena_ = "the server has no shared memory";
    int control_fd_ = -1;
    int parent_ = 0;
    std::optional<asio::posix::stream_descriptor> server_;  ///< its pidfd, once it is known
    bool welcomed_ = false;
    std::uint64_t features_ = 0;  ///< that were agreed with the server
    bool leaving_ = false;
    bool stopping_ = false;
    bool gone_ = false;
    bool directory_removed_ = false;
    std::optional<error> failure_;  ///< why no pipe can be had
    std::uint64_t next_id_ = 0;
    std::map<std::uint64_t, request*> requests_;
    std::vector<asio::steady_timer*> newcomers_;  ///< waiting for the welcome
    std::vector<std::weak_ptr<pipe_end>> pipes_;
};

}  // namespace remora::detail
