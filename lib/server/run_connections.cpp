// SPDX-License-Identifier: MIT
// The connections of a run, from the app's request to the open pipe.
#include "server/run_connection.hpp"
#include "server/run_core.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace remora::detail {
namespace {
using namespace std::chrono_literals;

// How long the app may take to open a pipe that it has asked for.
constexpr auto open_limit = 5s;
constexpr int smallest_pipe = 4096;
// The longest that an app may ask to wait for a name.
constexpr std::uint64_t longest_wait_ms = 24u * 3600 * 1000;

// What passes when others close something.
bool is_shortage(const std::error_code& code) {
    return code == std::errc::too_many_files_open ||
           code == std::errc::too_many_files_open_in_system ||
           code == std::errc::no_space_on_device || code == std::errc::not_enough_memory;
}
}  // namespace

void run_core::connect(std::uint64_t id, const wire::connect_request& request) {
    if (id <= last_id_) raise(errc::protocol_error, "the number of a connection is used again");
    last_id_ = id;
    if (ended_) return;
    const std::string& name = request.name;
    if (!is_pipe_name(name)) return reject(id, name, {errc::bad_name, "connect"});
    if (stopping_.started()) return reject(id, name, {errc::stopping, "connect"});
    if (server_->is_known(name)) return open(id, name, request.transports);
    if (request.wait_ms == 0) {
        return reject(id, name, {errc::no_such_pipe, "the server does not serve it"});
    }
    if (pending_.size() >= server_->options.max_connections) {
        return reject(id, name, {errc::overloaded, "too many wait for a service"});
    }
    auto waiting =
        std::make_unique<pending>(pending{name, request.transports, asio::steady_timer(strand())});
    waiting->limit.expires_after(
        std::chrono::milliseconds(std::min(request.wait_ms, longest_wait_ms)));
    waiting->limit.async_wait([self = shared_from_this(), id, name](std::error_code ec) {
        if (ec || self->pending_.erase(id) == 0) return;
        self->reject(id, name, {errc::no_such_pipe, "the server did not come to serve it"});
    });
    pending_[id] = std::move(waiting);
}

void run_core::reject(std::uint64_t id, const std::string& name, const close_reason& why) {
    emit({.kind = event_kind::rejected, .pipe = name, .connection = id, .code = why.to_code()});
    if (control_->can_send()) post(*control_, frame_kind::rejected, id, 0, why);
}

void run_core::withdraw(std::uint64_t id) {
    pending_.erase(id);
    for (const auto& next : opening_) {
        if (next->id == id) next->give_up(asio::error::operation_aborted);
    }
}

void run_core::name_served(const std::string& name) {
    std::vector<std::pair<std::uint64_t, std::uint32_t>> ready;
    for (const auto& [id, waiting] : pending_) {
        if (waiting->name == name) ready.emplace_back(id, waiting->transports);
    }
    for (const auto& [id, transports] : ready) {
        pending_.erase(id);
        open(id, name, transports);
    }
}

void run_core::open(std::uint64_t id, const std::string& name, std::uint32_t kinds) {
    if (!control_->can_send()) return;
    if (connections_now() >= server_->options.max_connections) {
        return reject(id, name, {errc::overloaded, "the server's max_connections"});
    }
    const service_entry* const entry = server_->service(name);
    const serve_options how = entry == nullptr ? serve_options{} : entry->options;
    kinds &= wire::allowed(how.transport.value_or(server_->options.transport));
    const std::string base = std::to_string(id);
    try {
        auto ends =
            make_connection(base, kinds, how.ring_size.value_or(server_->options.ring_size));
        const wire::connection_offer offer{
            .base = base,
            .transport = ends.rings ? wire::over_shared_memory : wire::over_fifo,
            .offset = ends.rings.offset(),
            .ring = ends.rings.size()};
        auto next = std::make_shared<opening>(id, name, std::move(ends), strand());
        post(*control_, frame_kind::connected, id, 0, offer);
        opening_.push_back(next);
        asio::co_spawn(strand(), await_open(shared_from_this(), next), asio::detached);
    } catch (const error& e) {
        unlink_names(base);
        // The app would wait for an answer for ever.
        if (!control_->can_send()) return on_control_error(e);
        const bool own = e.code().category() == category();
        const auto code = own ? static_cast<errc>(e.code().value()) : errc::refused;
        reject(id, name, {is_shortage(e.code()) ? errc::overloaded : code, e.what()});
    }
}

std::size_t run_core::connections_now() {
    const std::lock_guard lock(server_->handing_over);
    std::erase_if(pipes_, [](const auto& weak) { return weak.expired(); });
    return pipes_.size() + opening_.size() + server_->offered_by(*this);
}

connection_ends run_core::make_connection(const std::string& base, std::uint32_t kinds,
                                          std::size_t ring) {
    if (kinds == 0) raise(errc::no_transport, "what the app allows, the service does not");
    connection_ends ends{.fifo = make_ends(base)};
    if ((kinds & wire::over_shared_memory) != 0) ends.rings = make_rings(kinds, ring);
    if (ends.rings) {  // they only carry bells
        ::fcntl(ends.fifo.in.get(), F_SETPIPE_SZ, smallest_pipe);
        ::fcntl(ends.fifo.out.get(), F_SETPIPE_SZ, smallest_pipe);
    }
    return ends;
}

// None, if there is no memory for them and FIFOs are allowed too.
shared_rings run_core::make_rings(std::uint32_t kinds, std::size_t ring) try {
    if (!arena_) raise(errc::no_transport, "the server has no shared memory");
    const std::uint64_t place = arena_->take(ring);
    try {
        return {arena_, place, ring, side::server};
    } catch (...) {
        arena_->punch(place, ring);
        throw;
    }
} catch (const error& e) {
    if ((kinds & wire::over_fifo) == 0) throw;
    if (arena_) emit({.kind = event_kind::fallback, .code = e.code(), .text = e.context()});
    return {};
}

// The first frame on the pipe shows that the app has opened it. It comes in one piece, and nothing
// behind it is read here: that is for whoever gets the pipe, on an executor of its own.
asio::awaitable<void> run_core::await_open(std::shared_ptr<run_core> self,
                                           std::shared_ptr<opening> next) {
    next->limit.expires_after(open_limit);
    next->limit.async_wait([next](std::error_code ec) {
        if (!ec) next->give_up(errc::timed_out);
    });
    std::error_code ec;
    co_await next->in.async_wait(asio::posix::stream_descriptor::wait_read,
                                 asio::redirect_error(asio::use_awaitable, ec));
    next->limit.cancel();
    std::erase(self->opening_, next);
    self->unlink_names(std::to_string(next->id));
    if (next->has_come()) {
        self->hand_over(*next);
    } else {
        self->emit({.kind = event_kind::rejected,
                    .pipe = next->name,
                    .connection = next->id,
                    .code = next->why,
                    .text = "the app has not opened the pipe"});
    }
    self->look_for_end();
}

bool run_core::opening::has_come() {
    std::array<std::byte, frame_header::size> bytes;
    const ssize_t count = ::read(in.native_handle(), bytes.data(), bytes.size());
    std::size_t wanted = 0;
    if (count != static_cast<ssize_t>(bytes.size())) return false;
    try {
        const auto f = parse_frame(bytes, 0, wanted);
        return f && f->header.kind == frame_kind::open && f->header.id == id;
    } catch (const error&) {
        return false;
    }
}

void run_core::hand_over(opening& next) {
    next.ends.fifo.in = unique_fd(next.in.release());
    next.ends.fifo.dummy.reset();
    emit({.kind = event_kind::connected, .pipe = next.name, .connection = next.id});
    if (const service_entry* entry = server_->service(next.name)) {
        start_service(*entry, next.id, next.name, std::move(next.ends));
    } else {
        server_->offer(next.name, {shared_from_this(), std::move(next.ends)});
    }
}

void run_core::look_for_end() {
    if (!has_services()) services_ended_.cancel();
}

void run_core::unlink_names(const std::string& base) noexcept {
    if (!directory_) return;
    for (const char* ending : {wire::up_ending, wire::down_ending}) {
        try {
            directory_->unlink(base + ending);
        } catch (const error&) {
            // The app has put something else there. It goes with the directory.
        }
    }
}

}  // namespace remora::detail
