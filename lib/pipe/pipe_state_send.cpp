// SPDX-License-Identifier: MIT
// The sending half of an end of a pipe.
#include "pipe/waiter.hpp"
#include "transport/transport.hpp"

#include <remora/detail/call/call_session.hpp>
#include <remora/detail/pipe/pipe_state.hpp>

#include <cstring>
#include <new>

namespace remora::detail {

namespace {
// A buffer that one large message has made larger than this is given back.
constexpr std::size_t keep_capacity = 4u << 20;
constexpr std::size_t worth_moving = 64u << 10;
// A reason to close has to fit; and the length of a frame is 32 bits wide.
constexpr std::size_t smallest_limit = 4096;
constexpr std::size_t largest_limit = 0xffff'f000;
}  // namespace

void check_limits(const pipe_limits& limits) {
    if (limits.message < smallest_limit || limits.message > largest_limit) {
        raise(errc::bad_option, "limits.message is " + std::to_string(limits.message) + ", not " +
                                    std::to_string(smallest_limit) + " to " +
                                    std::to_string(largest_limit));
    }
    if (limits.queue == 0) raise(errc::bad_option, "limits.queue is 0: nothing could be sent");
}

endpoint::endpoint(asio::any_io_executor executor, std::unique_ptr<transport> transport,
                   std::string name, const pipe_limits& limits, errc gone, wait_policy waiting,
                   frame_kinds kinds)
    : executor_(std::move(executor)),
      transport_(std::move(transport)),
      name_(std::move(name)),
      limits_(limits),
      gone_(gone),
      kinds_(kinds) {
    const bool costly = transport_->what() != transport_kind::shared_memory;
    if (waiting != wait_policy::block) waits_ = std::make_unique<waits>(*this, waiting, costly);
}

endpoint::~endpoint() = default;

transport_kind endpoint::transport_used() const noexcept {
    return transport_->what();
}

void endpoint::raise_not_sending() const {
    if (closing_) raise(errc::closed, context() + "closed by this end");
    throw error(send_failure_, context() + (end_text_.empty() ? "sending" : end_text_));
}

asio::awaitable<void> endpoint::wait_turn(deadline until) {
    waiter entry{.timer = asio::steady_timer(executor_, until)};
    {
        const waiting in_line(turns_, entry);
        std::error_code ec;
        co_await entry.timer.async_wait(asio::redirect_error(asio::use_awaitable, ec));
    }
    wake_turn();
    const auto state = co_await asio::this_coro::cancellation_state;
    if (!entry.done && state.cancelled() == asio::cancellation_type::none)
        raise(errc::timed_out, context() + "waiting for room");
    if (!entry.done || state.cancelled() != asio::cancellation_type::none) {
        throw std::system_error(asio::error::operation_aborted);
    }
}

// The first in line; it stays there until it resumes, so that nobody overtakes it.
void endpoint::wake_turn() {
    if (!turns_.empty() && queued() < limits_.queue) turns_.front()->wake();
}

endpoint::position endpoint::begin_frame(frame_kind kind, std::uint64_t id, std::uint64_t tag,
                                         std::string_view type_name, std::uint8_t flags) {
    check_sending();
    const position p{base_ + out_.size(), 0};
    frame_header header{.length = 0, .kind = kind, .flags = flags, .id = id, .tag = tag};
    const bool named = tag != last_tag_ && !type_name.empty() && !names_sent_.contains(tag);
    if (named) header.flags |= frame_header::named;
    header.store(out_.extend(frame_header::size));
    if (named) put_name(p, tag, type_name);
    last_tag_ = tag;
    return p;
}

void endpoint::put_name(position p, std::uint64_t tag, std::string_view type_name) try {
    const auto length = static_cast<std::uint8_t>(type_name.size());
    out_.append(&length, 1);
    out_.append(type_name.data(), length);
    names_sent_.insert(tag);
} catch (...) {
    out_.truncate(p.begin - base_);
    throw;
}

void endpoint::abandon_frame(position p) noexcept {
    forget_name(p);
    out_.truncate(p.begin - base_);
}

// The peer will not see this frame: if it carried the name of its type, the next one has to.
void endpoint::forget_name(position p) noexcept {
    const std::byte* const header = out_.data() + (p.begin - base_);
    if ((header[5] & std::byte{frame_header::named}) == std::byte{}) return;
    std::uint64_t tag;
    std::memcpy(&tag, header + 16, sizeof tag);
    names_sent_.erase(tag);
    last_tag_ = 0;
}

void endpoint::end_frame(position& p) {
    p.end = base_ + out_.size();
    std::byte* const header = out_.data() + (p.begin - base_);
    const bool named = (header[5] & std::byte{frame_header::named}) != std::byte{};
    const std::size_t length = p.end - p.begin - frame_header::size;
    const std::size_t value =
        named ? length - 1 - std::to_integer<std::size_t>(header[frame_header::size]) : length;
    if (value > limits_.message) [[unlikely]] {
        abandon_frame(p);
        raise(errc::message_too_large, context() + "a message of " + std::to_string(value) +
                                           " bytes, the limit is " +
                                           std::to_string(limits_.message));
    }
    const auto on_the_wire = static_cast<std::uint32_t>(length);
    std::memcpy(header, &on_the_wire, sizeof on_the_wire);
}

bool endpoint::flush(position p) {
    try {
        if (!pumping_) {
            if (!write_queued()) start_pump();
            wake_turn();
        }
    } catch (const error& e) {
        fail_sending(e.code());
        throw error(e, context());
    } catch (const std::bad_alloc&) {  // nobody would write what is left
        fail_sending(std::make_error_code(std::errc::not_enough_memory));
        throw;
    }
    return written() >= p.end;
}

// True if nothing is left.
bool endpoint::write_queued() {
    sent_ += transport_->write({out_.data() + sent_, queued()});
    if (queued() == 0) {
        base_ += out_.size();
        sent_ = 0;
        out_.clear();
        if (out_.capacity() > keep_capacity) out_ = byte_buffer();
        return true;
    }
    if (sent_ > worth_moving && sent_ > out_.size() / 2) {
        out_.erase_front(sent_);
        base_ += sent_;
        sent_ = 0;
    }
    return false;
}

asio::awaitable<void> endpoint::wait_written(position p) {
    in_a_row_ = 0;
    waiter entry{.timer = asio::steady_timer(executor_, deadline::max()), .where = p};
    const waiting in_line(writes_, entry);
    std::error_code ec;
    co_await entry.timer.async_wait(asio::redirect_error(asio::use_awaitable, ec));
    if (entry.failed) check_sending();
    if (entry.done) co_return;
    withdraw(entry.where);
    throw std::system_error(asio::error::operation_aborted);
}

// Takes a frame out of the queue, unless its first byte has left.
void endpoint::withdraw(position p) {
    if (p.begin < written() || send_failure_) return;
    forget_name(p);
    const std::size_t size = p.end - p.begin;
    std::byte* const at = out_.data() + (p.begin - base_);
    std::memmove(at, at + size, out_.size() - (p.end - base_));
    out_.truncate(out_.size() - size);
    for (waiter* other : writes_) {
        if (other->where.begin < p.end) continue;
        other->where.begin -= size;
        other->where.end -= size;
    }
    if (calls) calls->withdrawn(p);
}

}  // namespace remora::detail
