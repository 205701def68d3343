// SPDX-License-Identifier: MIT
/// The connections between the server and one app.
#pragma once

#include "server/server_core.hpp"
#include "wire/run_report.hpp"

#include <remora/detail/base/wait_queue.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace remora::detail {

class app_session;
class transport_factory;

/// The app's requests for a name, the connections that are being opened, those that are open, and
/// the services that run on them. A part of the app_session, which it refers to. Belongs to the
/// server's strand. Its functions are the steps from a request to the end of a service, in one
/// class since each of them may end any of the others.
class connection_table {
public:
    connection_table(app_session& app, server_core& server, transport_factory& transports);
    ~connection_table();

    /// What the handshake has agreed on for the pipes to come.
    void set_terms(const wire::welcome& terms);
    /// The app asks for a connection, or does not want it any more.
    void connect(std::uint64_t id, const wire::connect_request& request);
    void withdraw(std::uint64_t id);
    /// A name is served now: those who wait for it are connected.
    void name_served(const std::string& name);

    /// The server's end of connection `id`, for `executor`. For any thread, with the server's
    /// `handing_over` locked.
    end_ptr make_pipe(const asio::any_io_executor& executor, transport_parts ends, std::uint64_t id,
                      const std::string& name, const serve_options& options);
    void fail_pipes(errc why);

    /// The app has ended: nobody opens a connection any more, and no pipe gets further bytes.
    void app_ended();
    bool has_services() const { return !served_.empty() || !opening_.empty(); }
    void cancel_services();
    /// Completes when the last service has ended, `until` has passed, or stop_waiting() was called.
    asio::awaitable<bool> services_ended(deadline until) { return services_ended_.wait(until); }
    void stop_waiting() { services_ended_.notify_all(); }

    /// What is open; counts of those whose executors have said so by `until`. Must not outlive
    /// this.
    asio::awaitable<std::vector<wire::connection_report>> report(deadline until);
    /// Nobody waits for that any more.
    void end_report() noexcept;
    /// How many connections the app has asked for that are not open yet.
    std::size_t not_open_yet() const;

private:
    struct served_connection;
    struct opening;
    struct pending;
    // A look of remora-inspect: what is asked of all pipes, and the question to one of them.
    struct count_inquiry;
    struct question;
    /// For which somebody has the server's end.
    struct open_pipe {
        std::weak_ptr<pipe_end> end;
        std::uint64_t id;
        transport_kind transport;
        std::chrono::steady_clock::time_point since;
        std::weak_ptr<question> asked = {};  ///< what it has not answered yet
    };

    void ask_pipes(count_inquiry& all);
    void await_service(std::uint64_t id, const wire::connect_request& request);
    std::size_t connections_now();
    void open(std::uint64_t id, const std::string& name, std::uint32_t kinds);
    service_entry choose_service(std::uint64_t id, const std::string& name);
    void begin_opening(std::uint64_t id, const std::string& name, service_entry service,
                       transport_parts ends);
    void reject(std::uint64_t id, const std::string& name, const close_reason& why);
    void reject_unknown(std::uint64_t id, const std::string& name, const std::string& why);
    asio::awaitable<void> await_open(std::shared_ptr<opening> next);
    void hand_over(opening& next);
    void start_service(opening& next);
    asio::awaitable<void> serve(std::shared_ptr<served_connection> c,
                                server::service_function service);
    void service_not_made(std::uint64_t id, const std::string& name, std::exception_ptr why);
    void service_ended(const std::shared_ptr<served_connection>& c, std::exception_ptr why);
    void notify_if_no_services();

    app_session& app_;
    server_core& server_;
    transport_factory& transports_;
    pipe_limits limits_;
    std::uint64_t features_ = 0;  ///< that were agreed with the app
    std::uint64_t last_id_ = 0;
    std::map<std::uint64_t, std::unique_ptr<pending>> pending_;
    std::vector<std::shared_ptr<opening>> opening_;
    std::map<std::uint64_t, std::shared_ptr<served_connection>>
        served_;                        ///< with a service that runs
    std::vector<open_pipe> pipes_;      ///< guarded by handing_over
    std::optional<errc> pipes_failed_;  ///< with what; guarded by handing_over
    wait_queue services_ended_;
    std::shared_ptr<count_inquiry> count_inquiry_;  ///< null: nobody looks inside
};

}  // namespace remora::detail
