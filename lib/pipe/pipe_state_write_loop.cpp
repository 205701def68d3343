// SPDX-License-Identifier: MIT
// What an end of a pipe does by itself while its kernel pipe is full: it goes on writing, and
// watches for the death of the reader.
#include "pipe/waiter.hpp"
#include "transport/transport.hpp"

#include <remora/detail/pipe/pipe_state.hpp>

#include <limits>

namespace remora::detail {

namespace {
// How much to read when all that the peer has sent is taken in.
constexpr std::size_t all_of_it = std::numeric_limits<std::size_t>::max();
// Kernel pipes are no larger, but a ring can be filled again and again by a peer that has hung up.
constexpr std::size_t most_to_read = 1u << 20;
}  // namespace

void endpoint::start_pump() {
    const auto start = [this](bool& runs, asio::awaitable<void> work) {
        if (std::exchange(runs, true)) return;
        try {
            asio::co_spawn(executor_, std::move(work), asio::detached);
        } catch (...) {  // the next flush tries again
            runs = false;
            throw;
        }
    };
    start(pumping_, pump(shared_from_this()));
    if (!watching_) start(watching_, watch_hang_up(shared_from_this()));
}

asio::awaitable<void> endpoint::pump(std::shared_ptr<endpoint> self) {
    try {
        while (self->queued() != 0 && !self->send_failure_) {
            co_await self->wait_for_room();
            if (self->send_failure_ || self->shut_) break;
            self->write_some();
            if (self->must_give_way()) co_await self->give_way();
        }
    } catch (const std::bad_alloc&) {  // nobody would write what is left
        self->fail_sending(std::make_error_code(std::errc::not_enough_memory));
    }
    self->pumping_ = false;
    self->interrupt();  // ends watch_hang_up
    if (self->closing_) self->shut();
}

void endpoint::write_some() {
    try {
        write_queued();
    } catch (const std::system_error& e) {
        fail_sending(e.code());
    }
    for (waiter* sender : writes_) {
        if (written() >= sender->where.end && !sender->done) sender->wake();
    }
    wake_turn();
}

// A full pipe whose reader has died never becomes writable; the end of the other direction tells.
asio::awaitable<void> endpoint::watch_hang_up(std::shared_ptr<endpoint> self) {
    while (self->pumping_ && !self->shut_) {
        std::error_code ec;
        co_await self->transport_->wait(transport::readiness::hung_up, ec);
        if (!ec && self->pumping_) {
            self->look_for_end();
            break;
        }
    }
    self->watching_ = false;
}

// The peer writes no more: all it has sent is here. Did it say goodbye?
void endpoint::look_for_end() try {
    head_.reset();
    while (transport_->fetch(all_of_it) == transport::fetched::more) {
        if (transport_->input().size() > limits_.message + most_to_read) break;
    }
    std::error_code why = failure_ ? failure_ : make_error_code(gone_);
    try {
        auto rest = transport_->input();
        while (const auto f = parse_frame(rest, limits_.message, wanted_)) {
            if (f->header.kind == frame_kind::close) why = errc::closed;
            rest = rest.subspan(f->size());
        }
    } catch (const error&) {  // the receiver will meet it
    }
    fail_sending(why);
    interrupt();
} catch (const std::exception&) {
    fail_sending(gone_);
}

void endpoint::fail_sending(std::error_code why) {
    if (send_failure_) return;
    send_failure_ = why;
    base_ += out_.size();
    sent_ = 0;
    out_.clear();
    for (waiter* sender : writes_) {
        sender->failed = !sender->done;
        sender->wake();
    }
    for (waiter* sender : turns_)
        sender->wake();
    interrupt();  // ends the pump
    if (closing_ && !pumping_) shut();
}

}  // namespace remora::detail
