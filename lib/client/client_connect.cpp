// SPDX-License-Identifier: MIT
// How a client comes by a pipe.
#include "client/client_core.hpp"
#include "transport/run_directory.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <iterator>
#include <variant>

namespace remora::detail {
namespace {

// An app that was stopped for seconds finds that the server does not wait any longer for it to open
// the FIFOs. A server where that happens more often than this is to be told of.
constexpr int tries = 3;

// The system does not map the rings here.
struct unmapped : error {
    explicit unmapped(const error& why) : error(why) {}
};

}  // namespace

bool is_absent(const error& why) {
    return why.code() == std::errc::no_such_file_or_directory ||
           why.code() == std::errc::no_such_device_or_address;
}

// An unanswered question to the server. It lives in the frame of the coroutine that asks.
struct client_core::request {
    request(client_core& who, std::string about, deadline until)
        : id(++who.next_id_), what(std::move(about)), answered(who.strand_, until), core_(who) {
        core_.requests_[id] = this;
    }
    ~request() { core_.requests_.erase(id); }
    request(const request&) = delete;
    request& operator=(const request&) = delete;

    const std::uint64_t id;
    const std::string what;
    asio::steady_timer answered;
    std::variant<std::monostate, error, wire::connection_offer, wire::name_list> answer;

private:
    client_core& core_;
};

asio::awaitable<end_ptr> client_core::open(std::shared_ptr<client_core> self,
                                           asio::any_io_executor executor, std::string name,
                                           connect_options options) {
    check_pipe_name(name);
    const deadline until = deadline_of(options.timeout);
    for (int left = tries;; --left) {
        co_await await_welcome(self, until);
        try {
            auto end = co_await try_open(self, executor, name, options, until);
            co_return end;
        } catch (const unmapped& e) {
            if ((self->allowed(options) & wire::over_fifo) == 0) throw;
            options.transport = transport_kind::fifo;
            self->emit_({.kind = event_kind::fallback,
                         .pipe = name,
                         .code = e.code(),
                         .text = e.context()});
        } catch (const error& e) {  // a server that is gone does not answer the next request
            if (left <= 1 || !is_absent(e)) throw;
        }
    }
}

asio::awaitable<end_ptr> client_core::try_open(std::shared_ptr<client_core> self,
                                               asio::any_io_executor executor, std::string name,
                                               connect_options options, deadline until) {
    if (self->stopping_) raise(errc::stopping, "connect to " + quote(name));
    request asked(*self, "connect to " + quote(name), until);
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(options.wait).count();
    const wire::connect_request words{.name = name,
                                      .wait_ms = ms > 0 ? static_cast<std::uint64_t>(ms) : 0,
                                      .transports = self->allowed(options)};
    post(*self->control_, frame_kind::connect, asked.id, 0, words);
    try {
        const auto offer = co_await answer<wire::connection_offer>(asked);
        const bool known =
            offer.transport == wire::over_fifo || offer.transport == wire::over_shared_memory;
        if (!known || (offer.transport & words.transports) == 0)
            raise(errc::protocol_error, "a transport that was not asked for");
        co_return self->make_pipe(executor, name, asked.id, offer,
                                  options.waiting.value_or(self->options_.waiting));
    } catch (const std::exception&) {
        if (!std::holds_alternative<error>(asked.answer) && self->control_->can_send())
            post(*self->control_, frame_kind::withdraw, asked.id);
        throw;
    }
}

asio::awaitable<std::vector<std::string>> client_core::list(std::shared_ptr<client_core> self) {
    co_await await_welcome(self, deadline::max());
    if ((self->features_ & wire::listing) == 0)
        raise(errc::version_mismatch, "the server is too old to say what it serves");
    std::vector<std::string> all;
    for (bool more = true; more;) {
        request asked(*self, "list of services", deadline::max());
        const wire::list_request words{all.empty() ? "" : all.back()};
        post(*self->control_, frame_kind::list, asked.id, 0, words);
        auto some = co_await answer<wire::name_list>(asked);
        more = some.more && !some.names.empty();
        std::ranges::move(some.names, std::back_inserter(all));
    }
    co_return all;
}

template <class Answer>
asio::awaitable<Answer> client_core::answer(request& asked) {
    std::error_code ec;
    co_await asked.answered.async_wait(asio::redirect_error(asio::use_awaitable, ec));
    if (auto* const given = std::get_if<Answer>(&asked.answer)) co_return std::move(*given);
    if (const auto* const why = std::get_if<error>(&asked.answer))
        throw error(*why, asked.what + ": ");
    if (asked.answer.index() != 0) raise(errc::protocol_error, asked.what + ": the wrong answer");
    if (!ec) raise(errc::timed_out, asked.what);
    throw std::system_error(asio::error::operation_aborted);
}

std::uint32_t client_core::allowed(const connect_options& options) const {
    std::uint32_t kinds = wire::allowed(options.transport.value_or(options_.transport));
    if (!arena_) kinds &= ~wire::over_shared_memory;
    if (kinds == 0) raise(errc::no_transport, no_arena_);
    return kinds;
}

void client_core::answered(const frame& f) {
    const auto found = requests_.find(f.header.id);
    if (found == requests_.end()) return;  // withdrawn in the meantime
    request& asked = *found->second;
    if (asked.answer.index() != 0) return;
    if (f.header.kind == frame_kind::connected) {
        asked.answer = payload_of<wire::connection_offer>(f);
    } else if (f.header.kind == frame_kind::listed) {
        asked.answer = payload_of<wire::name_list>(f);
    } else {
        const auto why = payload_of<close_reason>(f);
        asked.answer = error(why.to_refusal(), quote(why.text));
    }
    asked.answered.cancel();
}

void client_core::fail_requests() {
    for (const auto& [id, asked] : requests_) {
        asked->answer = *failure_;
        asked->answered.cancel();
    }
}

end_ptr client_core::make_pipe(const asio::any_io_executor& executor, const std::string& name,
                               std::uint64_t id, const wire::connection_offer& offer,
                               wait_policy waiting) {
    connection_ends ends{.fifo = open_ends(offer.base)};
    if (offer.transport == wire::over_shared_memory) ends.rings = map(offer);
    say_open(ends.fifo, id);
    const auto end = std::make_shared<pipe_end>(executor, make_transport(executor, std::move(ends)),
                                                name, options_.limits, errc::server_gone, waiting);
    end->agree(features_);
    std::erase_if(pipes_, [](const auto& weak) { return weak.expired(); });
    pipes_.push_back(end);
    emit_({.kind = event_kind::connected, .pipe = name, .connection = id});
    return end;
}

shared_rings client_core::map(const wire::connection_offer& offer) const try {
    return {arena_, offer.offset, offer.ring, side::app};
} catch (const error& e) {
    if (e.code().category() == category()) throw;  // the offer makes no sense
    throw unmapped(e);
}

// The first frame on the FIFOs, whatever the pipe stands on. They are empty: it has room.
void client_core::say_open(const fifo_ends& ends, std::uint64_t id) {
    std::array<std::byte, frame_header::size> bytes;
    const frame_header header{.kind = frame_kind::open, .id = id};
    header.store(bytes.data());
    if (::write(ends.out.get(), bytes.data(), bytes.size()) < 0)
        raise_system(errno, "opening a connection's FIFO");
}

// Both FIFOs are open before a byte is written.
fifo_ends client_core::open_ends(const std::string& base) const {
    const int at = directory_fd_.get();
    fifo_ends ends;
    ends.out = open_fifo(at, base + wire::up_ending, O_WRONLY);
    ends.in = open_fifo(at, base + wire::down_ending, O_RDONLY);
    ends.guard = open_fifo(at, base + wire::up_ending, O_RDONLY);
    return ends;
}

}  // namespace remora::detail
