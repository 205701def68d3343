// SPDX-License-Identifier: MIT
// What an end of a pipe does by itself with what could not be written at once: it goes on writing,
// and, while its transport is full, watches for the death of the reader.
#include <remora/detail/pipe/pipe_state.hpp>

#include "pipe/pipe_waiter.hpp"
#include "transport/transport.hpp"

#include <limits>
#include <new>
#include <utility>

namespace remora::detail {

namespace {
// How much to read when all that the peer has sent is taken in.
constexpr std::size_t all_of_it = std::numeric_limits<std::size_t>::max();
// Kernel pipes are no larger, but a ring can be filled again and again by a peer that has hung up.
constexpr std::size_t most_to_read = 1u << 20;
}  // namespace

void pipe_state::start(bool& runs, background_work* work) {
    if (std::exchange(runs, true)) return;
    try {
        asio::co_spawn(executor_, work(shared_from_this()), asio::detached);
    } catch (...) {  // the next flush tries again
        runs = false;
        throw;
    }
}

asio::awaitable<void> pipe_state::write_loop(std::shared_ptr<pipe_state> self) {
    try {
        while (self->writer_.queued() != 0 && !self->send_failure_) {
            if (self->waits_for_room_) {
                self->start(self->watches_hang_up_, watch_hang_up);
                self->write_waiter_->prepare();
                co_await self->write_waiter_->wait();
            } else {
                co_await self->yield();
            }
            if (self->send_failure_ || self->transport_closed_) break;
            self->write_some();
            if (self->waits_for_room_ && self->must_yield_after()) co_await self->yield();
        }
    } catch (const std::bad_alloc&) {  // nobody would write what is left
        self->fail_sending(std::make_error_code(std::errc::not_enough_memory));
    }
    self->writes_in_loop_ = false;
    if (self->watches_hang_up_ || self->closing_) self->interrupt();  // ends what goes on beside it
    if (self->closing_) self->close_transport();
}

// A full pipe whose reader has died never becomes writable; the end of the other direction tells.
asio::awaitable<void> pipe_state::watch_hang_up(std::shared_ptr<pipe_state> self) {
    while (self->writes_in_loop_ && !self->transport_closed_) {
        std::error_code ec;
        co_await self->transport_->wait(transport::readiness::hung_up, ec);
        if (!ec && self->writes_in_loop_) {
            self->on_hang_up();
            break;
        }
    }
    self->watches_hang_up_ = false;
}

void pipe_state::on_hang_up() try {
    reader_.forget_head();
    while (transport_->fetch(all_of_it) == transport::fetched::more) {
        if (transport_->input().size() > limits_.message + most_to_read) break;
    }
    std::error_code why = failure_ ? failure_ : make_error_code(peer_gone_);
    if (reader_.sees_close(transport_->input())) why = errc::closed;
    fail_sending(why);
    interrupt();
} catch (const std::exception&) {
    fail_sending(peer_gone_);
}

}  // namespace remora::detail
