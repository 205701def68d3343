// SPDX-License-Identifier: MIT
// What the app asks for on the control pipe: connections.
#include "server/connection_table.hpp"

#include "base/exceptions.hpp"
#include "server/app_session.hpp"
#include "server/connection.hpp"

#include <algorithm>

namespace remora::detail {
namespace {
// The longest that an app may ask to wait for a name.
constexpr std::uint64_t longest_wait_ms = 24u * 3600 * 1000;

// What passes when others close something.
bool is_shortage(const std::error_code& code) {
    return code == std::errc::too_many_files_open ||
           code == std::errc::too_many_files_open_in_system ||
           code == std::errc::no_space_on_device || code == std::errc::not_enough_memory;
}
}  // namespace

connection_table::connection_table(app_session& app, server_core& server,
                                   transport_factory& transports)
    : app_(app), server_(server), transports_(transports), limits_(server.options.limits) {
}

connection_table::~connection_table() = default;

void connection_table::set_terms(const wire::welcome& terms) {
    limits_.message = terms.max_message;
    features_ = terms.features;
}

void connection_table::connect(std::uint64_t id, const wire::connect_request& request) {
    if (id <= last_id_)
        throw_error(errc::protocol_error, "the number of a connection is used again");
    last_id_ = id;
    if (app_.has_ended()) return;
    const std::string& name = request.name;
    if (!is_pipe_name(name)) return reject(id, name, {errc::bad_name, "connect"});
    if (app_.is_stopping()) return reject(id, name, {errc::stopping, "connect"});
    if (server_.is_known(name)) return open(id, name, request.transports);
    await_service(id, request);
}

void connection_table::await_service(std::uint64_t id, const wire::connect_request& request) {
    const std::string& name = request.name;
    if (request.wait_ms == 0) {
        return reject_unknown(id, name, "the server does not serve it");
    }
    if (pending_.size() >= server_.options.max_connections) {
        return reject(id, name, {errc::overloaded, "too many wait for a service"});
    }
    auto waiting = std::make_unique<pending>(
        pending{name, request.transports, asio::steady_timer(server_.strand)});
    waiting->timer.expires_after(
        std::chrono::milliseconds(std::min(request.wait_ms, longest_wait_ms)));
    waiting->timer.async_wait([this, kept = app_.shared_from_this(), id, name](std::error_code ec) {
        if (ec || pending_.erase(id) == 0) return;
        reject_unknown(id, name, "the server did not come to serve it");
    });
    pending_[id] = std::move(waiting);
}

void connection_table::reject(std::uint64_t id, const std::string& name, const close_reason& why) {
    app_.emit(
        {.kind = event_kind::rejected, .pipe = name, .connection = id, .code = why.to_code()});
    pipe_state& control = app_.control().pipe();
    if (control.can_send()) send_frame(control, frame_kind::rejected, id, 0, why);
}

// Whoever has misspelt the name sees the right one.
void connection_table::reject_unknown(std::uint64_t id, const std::string& name,
                                      const std::string& why) {
    reject(id, name, {errc::no_such_pipe, why + "; it serves " + server_.names_in_words()});
}

void connection_table::withdraw(std::uint64_t id) {
    pending_.erase(id);
    for (const auto& next : opening_) {
        if (next->id == id) next->give_up(asio::error::operation_aborted);
    }
}

void connection_table::name_served(const std::string& name) {
    std::vector<std::pair<std::uint64_t, std::uint32_t>> ready;
    for (const auto& [id, waiting] : pending_) {
        if (waiting->name == name) ready.emplace_back(id, waiting->transports);
    }
    for (const auto& [id, transports] : ready) {
        // What is told of one may have the name served once more.
        if (pending_.erase(id) != 0) open(id, name, transports);
    }
}

void connection_table::open(std::uint64_t id, const std::string& name, std::uint32_t kinds) {
    if (!app_.control().pipe().can_send()) return;
    if (connections_now() >= server_.options.max_connections) {
        return reject(id, name, {errc::overloaded, "the server's max_connections"});
    }
    service_entry service;
    try {
        service = choose_service(id, name);
    } catch (...) {
        return service_not_made(id, name, first_of(std::current_exception()));
    }
    const serve_options how = service.options;
    kinds &= wire::allowed(how.transport.value_or(server_.options.transport));
    const std::string base = std::to_string(id);
    try {
        begin_opening(id, name, std::move(service),
                      transports_.make(base, kinds,
                                       {.ring = how.ring_size.value_or(server_.options.ring_size),
                                        .lent_size = limits_.lent}));
    } catch (const error& e) {
        transports_.unlink(base);
        // The app would wait for an answer for ever.
        if (!app_.control().pipe().can_send()) return app_.control().on_control_error(e);
        const bool own = e.code().category() == category();
        const auto code = own ? static_cast<errc>(e.code().value()) : errc::refused;
        reject(id, name, {is_shortage(e.code()) ? errc::overloaded : code, e.what()});
    }
}

std::size_t connection_table::connections_now() {
    const std::lock_guard lock(server_.handing_over);
    std::erase_if(pipes_, [](const auto& pipe) { return pipe.end.expired(); });
    return pipes_.size() + opening_.size() + server_.count_to_accept(app_);
}

}  // namespace remora::detail
