// SPDX-License-Identifier: MIT
/// One life of the app, as the server sees it. Belongs to the server's strand.
#pragma once

#include "base/milestone.hpp"
#include "pipe/control_pipe.hpp"
#include "process/descendant.hpp"
#include "process/stop_sequence.hpp"
#include "process/stop_signals.hpp"
#include "process/terminal_signals.hpp"
#include "server/server_core.hpp"
#include "transport/run_directory.hpp"

#include <remora/process.hpp>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace remora::detail {

class run_core : public std::enable_shared_from_this<run_core> {
public:
    /// Makes the directory and the control pipe, and starts the app. Throws what the system says.
    run_core(std::shared_ptr<server_core> server, const std::vector<std::string>& arguments);
    ~run_core();

    /// Starts to serve.
    void begin();

    int pid() const noexcept { return pid_; }
    const asio::any_io_executor& strand() const noexcept { return server_->strand; }
    const asio::any_io_executor& executor() const noexcept { return server_->executor; }
    static asio::awaitable<exit_status> exited(std::shared_ptr<run_core> self);
    static asio::awaitable<run_result> result(std::shared_ptr<run_core> self);
    void stop(stop_step first, std::chrono::nanoseconds grace);
    /// The server goes: the app is killed.
    void end();

    /// A name is served now: those who wait for it are connected.
    void name_served(const std::string& name);

    /// The server's end of a connection, for `executor`. For any thread, with the server's
    /// `handing_over` locked.
    end_ptr make_pipe(const asio::any_io_executor& executor, connection_ends ends,
                      const std::string& name, wait_policy waiting);
    std::chrono::nanoseconds stop_timeout() const noexcept { return server_->options.stop_timeout; }

private:
    /// The number of the arena's descriptor in the app.
    static constexpr int arena_fd = 3;

    struct connection;
    struct opening;
    struct pending;

    spawn_options how_to_spawn(const std::vector<std::string>& arguments);
    fifo_ends make_ends(const std::string& base);
    void make_arena();

    // the conversation
    static asio::awaitable<void> talk(std::shared_ptr<run_core> self);
    static asio::awaitable<bool> handshake(std::shared_ptr<run_core> self);
    void send_welcome(const wire::welcome& terms, int app);
    void show_arena(wire::welcome& terms) const;
    void refuse(const close_reason& why);
    void handle(const frame& f);
    void on_control_error(const error& why);
    void note_fault(const error& why);

    // connections
    void connect(std::uint64_t id, const wire::connect_request& request);
    std::size_t connections_now();
    void open(std::uint64_t id, const std::string& name, std::uint32_t kinds);
    connection_ends make_connection(const std::string& base, std::uint32_t kinds, std::size_t ring);
    shared_rings make_rings(std::uint32_t kinds, std::size_t ring);
    void reject(std::uint64_t id, const std::string& name, const close_reason& why);
    void withdraw(std::uint64_t id);
    static asio::awaitable<void> await_open(std::shared_ptr<run_core> self,
                                            std::shared_ptr<opening> next);
    void hand_over(opening& next);
    void start_service(const service_entry& entry, std::uint64_t id, const std::string& name,
                       connection_ends ends);
    static asio::awaitable<void> serve(std::shared_ptr<run_core> self,
                                       std::shared_ptr<connection> c,
                                       server::service_function service);
    void service_ended(const std::shared_ptr<connection>& c, std::exception_ptr why);
    bool has_services() const { return !connections_.empty() || !opening_.empty(); }
    void look_for_end();
    void unlink_names(const std::string& base) noexcept;
    void fail_pipes(errc why);
    void cancel_services();

    // the end
    static asio::awaitable<void> watch_app(std::shared_ptr<run_core> self);
    static asio::awaitable<void> end_behind(std::shared_ptr<run_core> self);
    static asio::awaitable<void> drain(std::shared_ptr<run_core> self);
    static asio::awaitable<void> watch_signals(std::shared_ptr<run_core> self);
    void take_signal(int signal);
    void obey(const stop_action& action);
    void send_signal(int signal);
    template <class Process>
    void send_to(Process& process, int number);
    void finish();
    void emit(const event& e) { server_->emit(e); }

    std::shared_ptr<server_core> server_;
    std::optional<run_directory> directory_;
    std::shared_ptr<pipe_state> control_;
    std::shared_ptr<shm_arena> arena_;  ///< none: only FIFOs
    std::optional<child> app_;
    std::optional<descendant> behind_;  ///< which has said hello, if not the child itself
    int pid_ = 0;
    bool launched_ = false;  ///< through a launcher: no start timeout
    bool welcomed_ = false;
    milestone ended_;  ///< the app is reaped
    milestone over_;
    pipe_limits limits_;
    std::uint64_t features_ = 0;  ///< that were agreed with the app
    std::uint64_t last_id_ = 0;
    run_result result_;
    std::map<std::uint64_t, std::shared_ptr<connection>> connections_;
    std::map<std::uint64_t, std::unique_ptr<pending>> pending_;
    std::vector<std::shared_ptr<opening>> opening_;
    std::vector<std::weak_ptr<pipe_end>> pipes_;  ///< guarded by handing_over
    std::optional<errc> pipes_failed_;            ///< with what; guarded by handing_over
    asio::steady_timer services_ended_;           ///< cancelled when the last one has
    stop_sequence stopping_;
    terminal_signals terminal_;
    asio::steady_timer stop_timer_;
    stop_signals signals_;
    int signals_got_ = 0;
    bool leaves_services_ = false;  ///< a stop signal was repeated while they were waited for
};

}  // namespace remora::detail
