// SPDX-License-Identifier: MIT
// How a client comes by a pipe.
#include "client_core.hpp"
#include "run_directory.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace remora::detail {

// An unanswered question to the server. It lives in the frame of the coroutine that asks.
struct client_core::request {
    asio::steady_timer answered;
    std::optional<wire::connection_offer> offer;
    std::optional<error> why;
};

asio::awaitable<std::shared_ptr<endpoint>> client_core::open(std::shared_ptr<client_core> self,
                                                             asio::any_io_executor executor,
                                                             std::string name,
                                                             connect_options options) {
    check_pipe_name(name);
    const deadline until = deadline_of(options.timeout);
    co_await await_welcome(self, until);
    if (self->stopping_) raise(errc::stopping, "connect to " + quote(name));
    const std::uint64_t id = ++self->next_id_;
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(options.wait).count();
    const wire::connect_request words{.name = name,
                                      .wait_ms = ms > 0 ? static_cast<std::uint64_t>(ms) : 0,
                                      .transports = self->allowed(options)};
    const auto offer = co_await ask(self, words, until, id);
    try {
        const bool asked =
            offer.transport == wire::over_fifo || offer.transport == wire::over_shared_memory;
        if (!asked || (offer.transport & words.transports) == 0)
            raise(errc::protocol_error, "a transport that was not asked for");
        co_return self->make_pipe(executor, name, id, offer,
                                  options.waiting.value_or(self->options_.waiting));
    } catch (const std::exception&) {
        if (self->control_->can_send()) post(*self->control_, frame_kind::withdraw, id);
        throw;
    }
}

std::uint32_t client_core::allowed(const connect_options& options) const {
    std::uint32_t kinds = wire::allowed(options.transport.value_or(options_.transport));
    if (!arena_) kinds &= ~wire::over_shared_memory;
    if (kinds == 0) raise(errc::no_transport, no_arena_);
    return kinds;
}

asio::awaitable<wire::connection_offer> client_core::ask(std::shared_ptr<client_core> self,
                                                         wire::connect_request words,
                                                         deadline until, std::uint64_t id) {
    request asked{.answered = asio::steady_timer(self->strand_, until), .offer = {}, .why = {}};
    self->requests_[id] = &asked;
    struct forget {
        client_core& core;
        std::uint64_t id;
        ~forget() { core.requests_.erase(id); }
    } const forgotten{*self, id};

    post(*self->control_, frame_kind::connect, id, 0, words);
    std::error_code ec;
    co_await asked.answered.async_wait(asio::redirect_error(asio::use_awaitable, ec));
    if (asked.why) throw error(*asked.why, "connect to " + quote(words.name) + ": ");
    if (asked.offer) co_return std::move(*asked.offer);
    post(*self->control_, frame_kind::withdraw, id);
    if (!ec) raise(errc::timed_out, "connect to " + quote(words.name));
    throw std::system_error(asio::error::operation_aborted);
}

void client_core::answered(const frame& f) {
    const auto found = requests_.find(f.header.id);
    if (found == requests_.end()) return;  // withdrawn in the meantime
    request& asked = *found->second;
    if (f.header.kind == frame_kind::connected) {
        asked.offer = payload_of<wire::connection_offer>(f);
    } else {
        const auto why = payload_of<close_reason>(f);
        asked.why = error(why.to_refusal(), quote(why.text));
    }
    asked.answered.cancel();
}

void client_core::fail_requests() {
    for (const auto& [id, asked] : requests_) {
        asked->why = trouble_;
        asked->answered.cancel();
    }
}

std::shared_ptr<endpoint> client_core::make_pipe(const asio::any_io_executor& executor,
                                                 const std::string& name, std::uint64_t id,
                                                 const wire::connection_offer& offer,
                                                 wait_policy waiting) {
    connection_ends ends{.fifo = open_ends(offer.base)};
    if (offer.transport == wire::over_shared_memory)
        ends.rings = shared_rings(arena_, offer.offset, offer.ring, side::app);
    say_open(ends.fifo, id);
    const auto end = std::make_shared<endpoint>(executor, make_transport(executor, std::move(ends)),
                                                name, options_.limits, errc::server_gone, waiting);
    std::erase_if(pipes_, [](const auto& weak) { return weak.expired(); });
    pipes_.push_back(end);
    tell_({.what = event::kind::connected, .pipe = name, .connection = id});
    return end;
}

// The first frame on the FIFOs, whatever the pipe stands on. They are empty: it has room.
void client_core::say_open(const fifo_ends& ends, std::uint64_t id) {
    std::array<std::byte, frame_header::size> bytes;
    const frame_header header{.kind = frame_kind::open, .id = id};
    header.store(bytes.data());
    if (::write(ends.out.get(), bytes.data(), bytes.size()) < 0)
        raise_system(errno, "opening a connection's FIFO");
}

// Both FIFOs are open before a byte is written. Without a server they have no reader, or are gone.
fifo_ends client_core::open_ends(const std::string& base) const try {
    const int at = directory_fd_.get();
    fifo_ends ends;
    ends.out = open_fifo(at, base + wire::up_ending, O_WRONLY);
    ends.in = open_fifo(at, base + wire::down_ending, O_RDONLY);
    ends.guard = open_fifo(at, base + wire::up_ending, O_RDONLY);
    return ends;
} catch (const error& e) {
    if (e.code() == std::errc::no_such_file_or_directory ||
        e.code() == std::errc::no_such_device_or_address) {
        throw error(errc::server_gone, e.context());
    }
    throw;
}

}  // namespace remora::detail
