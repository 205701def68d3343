// SPDX-License-Identifier: MIT
/// The connections between the app and its server.
#pragma once

#include "base/unique_fd.hpp"
#include "transport/shared_memory.hpp"
#include "wire/control_records.hpp"

#include <remora/client.hpp>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace remora::detail {

class client_session;

/// Whether a FIFO is not there, or has no reader: its server is gone, or does not wait any longer.
bool is_absent(const error& why);

/// The app's requests for pipes, and the pipes that there are. A part of the client_session, which
/// it refers to. Belongs to its strand.
class client_connections {
public:
    explicit client_connections(client_session& session);

    /// FIFOs are opened in this directory from now on. Throws what the system says.
    void enter(const std::string& directory);
    fifo_ends open_fifos(const std::string& base) const;
    /// What the handshake has agreed on.
    void set_terms(const wire::welcome& terms);
    /// Opens the arena that the server has offered, if it has.
    void find_arena(const wire::welcome& terms);

    /// See client_session::open() and list(). The client_session is kept by whoever spawns them.
    asio::awaitable<end_ptr> open(asio::any_io_executor executor, std::string name,
                                  connect_options options);
    asio::awaitable<std::vector<std::string>> list();

    /// The server has answered.
    void answered(const frame& f);
    void fail_requests(const error& why);
    void fail_pipes(errc why);
    const std::vector<std::weak_ptr<pipe_end>>& pipes() const noexcept { return pipes_; }

private:
    struct request;

    asio::awaitable<end_ptr> try_open(asio::any_io_executor executor, std::string name,
                                      connect_options options, deadline until);
    /// Awaits what the server says to it.
    template <class Answer>
    static asio::awaitable<Answer> answer(request& asked);
    std::uint32_t allowed(const connect_options& options) const;
    end_ptr make_pipe(const asio::any_io_executor& executor, const std::string& name,
                      std::uint64_t id, const wire::connection_offer& offer,
                      const connect_options& options);
    shared_rings map(const wire::connection_offer& offer) const;
    static void say_open(const fifo_ends& ends, std::uint64_t id);

    client_session& session_;
    unique_fd directory_fd_;
    std::shared_ptr<shm_arena> arena_;  ///< none: only FIFOs
    std::string why_no_arena_ = "the server has no shared memory";
    pipe_limits limits_;
    std::uint64_t features_ = 0;  ///< that were agreed with the server
    std::uint64_t next_id_ = 0;
    std::map<std::uint64_t, request*> requests_;
    std::vector<std::weak_ptr<pipe_end>> pipes_;
};

}  // namespace remora::detail
