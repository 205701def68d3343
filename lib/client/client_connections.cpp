// SPDX-License-Identifier: MIT
// The app's requests to the server, for pipes and for names.
#include "client/client_connections.hpp"

#include "client/client_session.hpp"
#include "polling/usable_cpus.hpp"

#include <algorithm>
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

// An unanswered question to the server. It lives in the frame of the coroutine that asks.
struct client_connections::request {
    request(client_connections& who, std::string about, deadline until)
        : id(++who.next_id_),
          what(std::move(about)),
          answer_timer(who.session_.strand(), until),
          table_(who) {
        table_.requests_[id] = this;
    }
    ~request() { table_.requests_.erase(id); }
    request(const request&) = delete;
    request& operator=(const request&) = delete;

    const std::uint64_t id;
    const std::string what;
    asio::steady_timer answer_timer;
    std::variant<std::monostate, error, wire::connection_offer, wire::name_list> answer;

private:
    client_connections& table_;
};

asio::awaitable<end_ptr> client_connections::open(asio::any_io_executor executor, std::string name,
                                                  connect_options options) {
    check_pipe_name(name);
    if (options.call_timeout) check_call_timeout(*options.call_timeout);
    const deadline until = deadline_of(options.timeout);
    for (int left = tries;; --left) {
        co_await session_.control().await_welcome(until);
        try {
            auto end = co_await try_open(executor, name, options, until);
            co_return end;
        } catch (const unmapped& e) {
            if ((allowed(options) & wire::over_fifo) == 0) throw;
            options.transport = transport_kind::fifo;
            session_.emit({.kind = event_kind::fallback,
                           .pipe = name,
                           .code = e.code(),
                           .text = e.context()});
        } catch (const error& e) {  // a server that is gone does not answer the next request
            if (left <= 1 || !is_absent(e)) throw;
        }
    }
}

asio::awaitable<end_ptr> client_connections::try_open(asio::any_io_executor executor,
                                                      std::string name, connect_options options,
                                                      deadline until) {
    if (session_.control().is_stopping()) throw_error(errc::stopping, "connect to " + quote(name));
    request asked(*this, "connect to " + quote(name), until);
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(options.wait).count();
    const wire::connect_request words{.name = name,
                                      .wait_ms = ms > 0 ? static_cast<std::uint64_t>(ms) : 0,
                                      .transports = allowed(options)};
    send_frame(*session_.control().pipe(), frame_kind::connect, asked.id, 0, words);
    try {
        const auto waiting = options.waiting.value_or(session_.options().waiting);
        // Reads files, and remembers what they say: while the server is at work.
        if (waiting != wait_policy::block) usable_cpus();
        const auto offer = co_await answer<wire::connection_offer>(asked);
        const bool known =
            offer.transport == wire::over_fifo || offer.transport == wire::over_shared_memory;
        if (!known || (offer.transport & words.transports) == 0)
            throw_error(errc::protocol_error, "a transport that was not asked for");
        co_return make_pipe(executor, name, asked.id, offer, options);
    } catch (const std::exception&) {
        if (!std::holds_alternative<error>(asked.answer) && session_.control().pipe()->can_send())
            send_frame(*session_.control().pipe(), frame_kind::withdraw, asked.id);
        throw;
    }
}

asio::awaitable<std::vector<std::string>> client_connections::list() {
    co_await session_.control().await_welcome(deadline::max());
    if ((features_ & wire::listing) == 0)
        throw_error(errc::version_mismatch, "the server is too old to say what it serves");
    std::vector<std::string> all;
    for (bool more = true; more;) {
        request asked(*this, "list of services", deadline::max());
        const wire::list_request words{all.empty() ? "" : all.back()};
        send_frame(*session_.control().pipe(), frame_kind::list, asked.id, 0, words);
        auto some = co_await answer<wire::name_list>(asked);
        more = some.more && !some.names.empty();
        std::ranges::move(some.names, std::back_inserter(all));
    }
    co_return all;
}

template <class Answer>
asio::awaitable<Answer> client_connections::answer(request& asked) {
    std::error_code ec;
    co_await asked.answer_timer.async_wait(asio::redirect_error(asio::use_awaitable, ec));
    if (auto* const given = std::get_if<Answer>(&asked.answer)) co_return std::move(*given);
    if (const auto* const why = std::get_if<error>(&asked.answer))
        throw error(*why, asked.what + ": ");
    if (asked.answer.index() != 0)
        throw_error(errc::protocol_error, asked.what + ": the wrong answer");
    if (!ec) throw_error(errc::timed_out, asked.what);
    throw std::system_error(asio::error::operation_aborted);
}

std::uint32_t client_connections::allowed(const connect_options& options) const {
    std::uint32_t kinds = wire::allowed(options.transport.value_or(session_.options().transport));
    if (!arena_) kinds &= ~wire::over_shared_memory;
    if (kinds == 0) throw_error(errc::no_transport, why_no_arena_);
    return kinds;
}

void client_connections::answered(const frame& f) {
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
    asked.answer_timer.cancel();
}

void client_connections::fail_requests(const error& why) {
    for (const auto& [id, asked] : requests_) {
        asked->answer = why;
        asked->answer_timer.cancel();
    }
}

shared_rings client_connections::map(const wire::connection_offer& offer) const try {
    return {arena_, offer.offset, offer.ring, side::app, offer.lent_size};
} catch (const error& e) {
    if (e.code().category() == category()) throw;  // the offer makes no sense
    throw unmapped(e);
}

}  // namespace remora::detail
