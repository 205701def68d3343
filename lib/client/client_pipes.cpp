// SPDX-License-Identifier: MIT
// The pipes of the app, and what they stand on.
#include "client/client_connections.hpp"

#include "call/dropped_messages.hpp"
#include "client/client_session.hpp"
#include "transport/open_directory.hpp"
#include "transport/run_directory.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace remora::detail {

bool is_absent(const error& why) {
    return why.code() == std::errc::no_such_file_or_directory ||
           why.code() == std::errc::no_such_device_or_address;
}

client_connections::client_connections(client_session& session)
    : session_(session), limits_(session.options().limits) {
}

void client_connections::enter(const std::string& directory) {
    directory_fd_ =
        unique_fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!directory_fd_)
        throw_system_error(errno, "opening the directory of the pipes, " + directory);
    // Anybody knows where it is to be, and may have been there first.
    if (is_at_fixed_path(directory)) check_private(directory_fd_.get(), directory);
}

void client_connections::set_terms(const wire::welcome& terms) {
    features_ = terms.features;
    limits_.message = std::min<std::size_t>(limits_.message, terms.max_message);
}

// In any case: the descriptor is not to stay open for the app's own children.
void client_connections::find_arena(const wire::welcome& terms) try {
    if ((terms.features & wire::shared_memory) == 0) return;
    arena_ = shm_arena::find(
        {terms.arena_fd, terms.arena_server_fd, terms.arena_device, terms.arena_inode}, terms.pid);
} catch (const error& e) {
    why_no_arena_ = e.context();
    if (session_.options().transport == transport_kind::fifo) return;
    session_.emit({.kind = event_kind::fallback, .code = e.code(), .text = e.context()});
}

void client_connections::fail_pipes(errc why) {
    for (const auto& weak : pipes_) {
        const auto end = weak.lock();
        if (end) asio::post(end->executor(), [end, why] { end->fail(why); });
    }
}

end_ptr client_connections::make_pipe(const asio::any_io_executor& executor,
                                      const std::string& name, std::uint64_t id,
                                      const wire::connection_offer& offer,
                                      const connect_options& options) {
    transport_parts ends{.fifo = open_fifos(offer.base)};
    if (offer.transport == wire::over_shared_memory) ends.rings = map(offer);
    auto trace = session_.trace_of(name, name + " #" + std::to_string(id));
    if (trace) trace->opened(pipe_trace::way::sent, id);
    say_open(ends.fifo, id);
    const auto end = std::make_shared<pipe_end>(
        executor, make_transport(executor, std::move(ends)), name, limits_, errc::server_gone,
        options.waiting.value_or(session_.options().waiting));
    end->default_timeout = options.call_timeout.value_or(session_.options().call_timeout);
    end->set_features(features_);
    end->set_trace(std::move(trace));
    end->on_dropped = how_to_tell_dropped(session_.weak_from_this(), name, id);
    std::erase_if(pipes_, [](const auto& weak) { return weak.expired(); });
    pipes_.push_back(end);
    session_.emit({.kind = event_kind::connected, .pipe = name, .connection = id});
    return end;
}

// The first frame on the FIFOs, whatever the pipe stands on. They are empty: it has room.
void client_connections::say_open(const fifo_ends& ends, std::uint64_t id) {
    std::array<std::byte, frame_header::size> bytes;
    const frame_header header{.kind = frame_kind::open, .id = id};
    header.store(bytes.data());
    if (::write(ends.out.get(), bytes.data(), bytes.size()) < 0)
        throw_system_error(errno, "opening a connection's FIFO");
}

// Both FIFOs are open before a byte is written.
fifo_ends client_connections::open_fifos(const std::string& base) const {
    const int at = directory_fd_.get();
    fifo_ends ends;
    ends.out = open_fifo(at, base + wire::up_ending, O_WRONLY);
    ends.in = open_fifo(at, base + wire::down_ending, O_RDONLY);
    ends.spare_reader = open_fifo(at, base + wire::up_ending, O_RDONLY);
    return ends;
}

}  // namespace remora::detail
