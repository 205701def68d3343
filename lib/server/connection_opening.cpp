// SPDX-License-Identifier: MIT
// The connections that are being opened, from the server's offer to the open pipe.
#include "base/spawn_member.hpp"
#include "server/app_session.hpp"
#include "server/connection.hpp"

#include <unistd.h>

#include <array>

namespace remora::detail {
namespace {
// How long the app may take to open a pipe that it has asked for.
constexpr auto open_limit = std::chrono::seconds(5);
}  // namespace

// Tells the app of it, and waits until the app has opened it.
void connection_table::begin_opening(std::uint64_t id, const std::string& name,
                                     service_entry service, transport_parts ends) {
    const wire::connection_offer offer{
        .base = std::to_string(id),
        .transport = ends.rings ? wire::over_shared_memory : wire::over_fifo,
        .offset = ends.rings.offset(),
        .ring = ends.rings.size(),
        .lent_size = (features_ & wire::lending) != 0 ? ends.rings.lent_size() : 0};
    auto next =
        std::make_shared<opening>(id, name, std::move(service), std::move(ends), server_.strand);
    send_frame(app_.control().pipe(), frame_kind::connected, id, 0, offer);
    opening_.push_back(next);
    spawn_member(server_.strand, app_.shared_from_this(), await_open(next));
}

// The first frame on the pipe shows that the app has opened it. It comes in one piece, and nothing
// after it is read here: that is for whoever gets the pipe, on an executor of its own.
asio::awaitable<void> connection_table::await_open(std::shared_ptr<opening> next) {
    next->timer.expires_after(open_limit);
    next->timer.async_wait([next](std::error_code ec) {
        if (!ec) next->give_up(errc::timed_out);
    });
    std::error_code ec;
    co_await next->in.async_wait(asio::posix::stream_descriptor::wait_read,
                                 asio::redirect_error(asio::use_awaitable, ec));
    next->timer.cancel();
    std::erase(opening_, next);
    transports_.unlink(std::to_string(next->id));
    if (next->read_open_frame()) {
        hand_over(*next);
    } else {
        app_.emit({.kind = event_kind::rejected,
                   .pipe = next->name,
                   .connection = next->id,
                   .code = next->why,
                   .text = "the app has not opened the pipe"});
    }
    notify_if_no_services();
}

bool connection_table::opening::read_open_frame() {
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

void connection_table::hand_over(opening& next) {
    next.ends.fifo.in = unique_fd(next.in.release());
    next.ends.fifo.spare_writer.reset();
    app_.emit({.kind = event_kind::connected, .pipe = next.name, .connection = next.id});
    if (next.service.function) {
        start_service(next);
    } else {
        server_.add_pipe(next.name, {app_.shared_from_this(), next.id, std::move(next.ends)});
    }
}

}  // namespace remora::detail
