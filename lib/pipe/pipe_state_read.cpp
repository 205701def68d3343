// SPDX-License-Identifier: MIT
// How an end of a pipe receives.
#include <remora/detail/pipe/pipe_state.hpp>

#include "pipe/pipe_trace.hpp"
#include "pipe/pipe_waiter.hpp"
#include "transport/transport.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace remora::detail {
namespace {

// What a piece of a frame costs, where a frame that is passed over costs 1; and a fetch, beside its
// bytes: all that a FIFO holds can be taken in one go.
constexpr unsigned price_of_a_piece = 4;
constexpr unsigned price_of_a_fetch = 2;

}  // namespace

pipe_state::receiving::receiving(pipe_state& end) : end_(end) {
    if (end.receiving_) throw_error(errc::receive_in_progress, end.context() + "receive");
    end.receiving_ = true;
}

const frame* pipe_state::peek_frame(peeking how) {
    if (const frame* const f = reader_.head()) return f;
    // A peer that sends nothing else but frames to pass over, or a message without an end in sight,
    // must not keep the context to itself.
    for (peek_cost_ = 0;;) {
        if (reader_.has_ended()) {
            if (at_end()) return nullptr;
            throw_closed();
        }
        if (closing_) throw_error(errc::closed, context() + "closed by this end");
        const bool found = read_frame();
        if (const frame* const f = reader_.head()) return f;
        if (peek_cost_ >= turn::most || (!found && !fetch(how))) return nullptr;
    }
}

// True if there was a frame. What is none, or comes where it may not, ends the conversation.
bool pipe_state::read_frame() try {
    std::size_t consumed = 0;
    const auto found = reader_.read(transport_->input(), call_frame_handler_ != nullptr, consumed);
    if (trace_ && found != frame_reader::found::nothing) [[unlikely]]
        trace_frame(consumed);
    if (found == frame_reader::found::head) {
        if (!reader_.head()->loans.empty()) [[unlikely]]
            borrow(*reader_.head());
        return true;
    }
    if (found == frame_reader::found::nothing) return false;
    transport_->consume(consumed);
    switch (found) {
        case frame_reader::found::close:
            fail_sending(errc::closed);
            break;
        case frame_reader::found::window:
            ++peek_cost_;
            if (call_frame_handler_ != nullptr) call_frame_handler_->on_window(reader_.window());
            break;
        case frame_reader::found::skipped:
            ++peek_cost_;
            break;
        default:  // a piece
            peek_cost_ += price_of_a_piece;
    }
    return true;
} catch (const error& e) {
    give_up(e);
}

// The head, which is not counted before it is popped, or a frame that was consumed.
void pipe_state::trace_frame(std::size_t consumed) noexcept {
    const std::size_t size = consumed != 0 ? consumed : reader_.head_size();
    const std::uint64_t end = reader_.bytes() + size - consumed;
    frame f = reader_.last();
    if (consumed != 0) f.payload = {};
    trace_->received(f, reader_.last_type(), size, end);
}

// False if nothing has come.
bool pipe_state::fetch(peeking how) try {
    if (how == peeking::before_wait && !failure_ && transport_->may_skip_fetch()) return false;
    const std::size_t before = transport_->input().size();
    const auto result = transport_->fetch(reader_.wanted());
    if (result == transport::fetched::more) {
        const std::size_t more = std::max(before, transport_->input().size()) - before;
        peek_cost_ += price_of_a_fetch;
        if (how != peeking::all) peek_cost_ += static_cast<unsigned>(more / turn::bytes_like_one);
        return true;
    }
    if (result == transport::fetched::nothing && !failure_) return false;
    end_of_input();
    return true;
} catch (const error& e) {
    give_up(e);
}

// The peer has broken the protocol: the conversation ends, and it is told.
void pipe_state::give_up(const error& why) {
    reader_.end(why.code(), why.context());
    close(why.code(), why.context());
    throw_closed();
}

void pipe_state::end_of_input() {
    const bool between_frames = transport_->input().empty();
    reader_.end(
        failure_ ? failure_ : make_error_code(peer_gone_),
        between_frames ? "it left without closing the pipe" : "it left in the middle of a frame");
    fail_sending(reader_.end_code());
}

void pipe_state::pop_frame() noexcept {
    if (!loans_.empty()) [[unlikely]]
        loans_.clear();
    const std::size_t size = reader_.pop();  // 0 if it was closed in the meantime
    transport_->consume(size);
    turn_.count_bytes(size);
}

bool pipe_state::has_buffered_input() const noexcept {
    return !transport_->input().empty();
}

bool pipe_state::has_input_after_head() const noexcept {
    return transport_->input().size() > reader_.head_size();
}

bool pipe_state::has_news(peeking how) noexcept {
    try {
        return peek_frame(how) != nullptr || at_end();
    } catch (const std::exception&) {
        return true;
    }
}

void pipe_state::throw_closed() const {
    if (at_end()) throw_error(errc::closed, context() + "closed by the other end");
    throw error(reader_.end_code(), context() + reader_.end_text());
}

void pipe_state::throw_mismatch(const frame& f, std::string_view wanted) const {
    throw_error(errc::type_mismatch, context() + "expected " + std::string(wanted) +
                                         ", the message is " + type_text(f.header.tag));
}

void pipe_state::throw_wrong_reply(const frame& f, std::string_view request,
                                   std::string_view wanted) const {
    throw_error(errc::type_mismatch, context().append(request) + ": its reply is " +
                                         type_text(f.header.tag) + ", not " + std::string(wanted) +
                                         "; both programs need the same `reply` of the request");
}

// True also for an end and a failure: peek_frame() will meet them.
bool pipe_state::has_arrived() noexcept try {
    return transport_->poll(reader_.wanted()) != transport::fetched::nothing;
} catch (const std::exception&) {
    return true;
}

bool pipe_state::poll_briefly() {
    if (std::exchange(has_polled_, false)) return false;
    return peek_cost_ < turn::most && read_waiter_->poll_briefly();
}

bool pipe_state::try_poll_briefly() {
    has_polled_ = false;
    has_polled_ = !poll_briefly();
    return !has_polled_;
}

asio::awaitable<void> pipe_state::wait_message(deadline until) {
    const bool had_enough = peek_cost_ >= turn::most;
    if (until != deadline::max() && std::chrono::steady_clock::now() >= until) {
        if (had_enough && has_news()) co_return;  // a large message that is there
        throw_error(errc::timed_out, context() + "receive");
    }
    if (had_enough) {
        co_await yield_to_receive();
        co_return;
    }
    std::optional<asio::steady_timer> limit;
    if (until != deadline::max()) {
        limit.emplace(executor_, until);
        limit->async_wait([self = shared_from_this()](std::error_code ec) {
            if (!ec) self->interrupt();
        });
    }
    turn_.end();
    co_await read_waiter_->wait();
    if (const busy_poller* const poller = read_waiter_->poller())
        turn_.begin(poller->now(), read_waiter_->waited(), others());
}

}  // namespace remora::detail
