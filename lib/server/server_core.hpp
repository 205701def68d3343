// SPDX-License-Identifier: MIT
/// The server's state, shared with its app_session. Belongs to its strand.
#pragma once

#include "transport/shared_memory.hpp"
#include "wire/control_records.hpp"

#include <remora/detail/base/wait_queue.hpp>
#include <remora/server.hpp>

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

namespace remora::detail {

class app_run;
class app_session;

/// What serves a name, or a connection.
struct service_entry {
    server::service_function function;
    serve_options options;
    /// Makes the function for one connection; null if there is one for all.
    std::function<server::service_function(connection_info)> make = nullptr;
};

/// A connection that the app has asked for and nobody has taken yet.
struct pipe_to_accept {
    std::shared_ptr<app_session> app;
    std::uint64_t id = 0;  ///< the connection's number
    transport_parts ends;
};

/// A name that accept() listens to.
struct listener {
    explicit listener(std::string what) : name(std::move(what)) {}

    const std::string name;
    std::deque<pipe_to_accept> to_accept;  ///< guarded by handing_over
    wait_queue waiting;                    ///< on the strand
};

class server_core {
public:
    server_core(asio::any_io_executor executor, server_options options);

    void serve(const std::string& name, service_entry entry);

    /// From now on connections to `name` wait for accept().
    listener& listen(const std::string& name);
    /// Completes when there is something to take from `name`. Runs on the strand.
    static asio::awaitable<listener*> await_pipe(std::shared_ptr<server_core> self,
                                                 std::string name);
    /// The next connection, for `executor`, or null if another has taken it. For any thread.
    end_ptr accept_next(listener& here, const asio::any_io_executor& executor);
    void add_pipe(const std::string& name, pipe_to_accept pipe);
    bool is_known(const std::string& name) const;
    const service_entry* service(const std::string& name) const;
    /// Those that are known, in order, as many as go into one frame.
    wire::name_list names_after(const std::string& name) const;
    /// The first of them, for people; "nothing" if there is none.
    std::string names_in_words() const;
    /// Drops what an app that has ended has left in the listeners.
    void forget(const app_session& app);
    /// How many connections of an app wait to be accepted. With `handing_over` locked.
    std::size_t count_to_accept(const app_session& app) const;

    void report_failure(std::string_view name, std::exception_ptr why) const;
    asio::any_io_executor connection_executor(const service_entry& entry);

    asio::any_io_executor executor;
    asio::any_io_executor strand;
    server_options options;
    event_hook emit;
    /// server::run drives the context: no strands are needed.
    std::atomic<bool> single_threaded = false;
    std::atomic<bool> busy = false;      ///< a run is alive
    std::weak_ptr<app_run> run;          ///< on the strand
    std::weak_ptr<app_session> current;  ///< its present or last life; on the strand
    /// Guards what accept() changes on its caller's executor: the connections that are offered, and
    /// the apps' lists of pipes. So that each connection is counted in one of them at any time.
    std::mutex handing_over;

private:
    bool has_pipe(const listener& here);
    std::set<std::string_view> names() const;

    std::map<std::string, service_entry, std::less<>> services_;
    std::map<std::string, listener, std::less<>> listeners_;
};

}  // namespace remora::detail
