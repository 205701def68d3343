// SPDX-License-Identifier: MIT
#include "nats/event_loop.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <exception>
#include <thread>
#include <utility>

namespace remora::nats {

event_loop::event_loop(asio::any_io_executor executor)
    : executor_(std::move(executor)), socket_(executor_) {
}

event_loop::~event_loop() {
    if (to_adopt_ >= 0) ::close(to_adopt_);
}

void event_loop::put_into(natsOptions* options) {
    natsOptions_SetEventLoop(options, this, &attach, &on_poll_read, &on_poll_write, &detach);
}

natsStatus event_loop::attach(void** me, void* loop, natsConnection*, natsSock socket) try {
    auto& self = *static_cast<event_loop*>(loop);
    *me = loop;
    const int own = ::fcntl(socket, F_DUPFD_CLOEXEC, 0);
    if (own < 0) return NATS_SYS_ERROR;
    const int before = self.take_attached();
    if (before >= 0) ::close(before);
    {
        const std::lock_guard lock(self.mutex_);
        self.to_adopt_ = own;
    }
    self.gate_.renew();
    self.is_detached_ = false;
    self.has_socket_ = true;  // first: what is held back then leaves when it is adopted
    self.schedule_adopt();
    return NATS_OK;
} catch (const std::exception&) {
    auto& self = *static_cast<event_loop*>(loop);
    self.has_socket_ = false;
    self.is_detached_ = true;
    return NATS_NO_MEMORY;
}

// Told to stop only: libnats gives up the socket.
natsStatus event_loop::on_poll_read(void* me, bool add) {
    if (!add) static_cast<event_loop*>(me)->has_socket_ = false;
    return NATS_OK;
}

natsStatus event_loop::on_poll_write(void* me, bool add) {
    auto& self = *static_cast<event_loop*>(me);
    self.wants_write_ = add;
    if (add) self.schedule_write();
    return NATS_OK;
}

natsStatus event_loop::detach(void* me) {
    auto& self = *static_cast<event_loop*>(me);
    self.has_socket_ = false;
    self.is_detached_ = true;  // last: see wait_detached()
    return NATS_OK;
}

bool event_loop::run(natsConnection* of, std::chrono::milliseconds patience,
                     const std::function<bool()>& is_done) {
    constexpr int look_again = 10;  // ms
    for (const auto end = clock::now() + patience; !is_done();) {
        if (clock::now() > end) return false;
        const short events = POLLIN | (wants_write_ ? POLLOUT : 0);
        const int newest = attached();
        pollfd socket = {newest >= 0 ? newest : socket_.native_handle(), events, 0};
        ::poll(&socket, 1, look_again);
        if ((socket.revents & POLLOUT) != 0) natsConnection_ProcessWriteEvent(of);
        if ((socket.revents & ~POLLOUT) != 0 && gate_.may_read(socket.fd))
            natsConnection_ProcessReadEvent(of);
    }
    return true;
}

void event_loop::start(natsConnection* of, std::function<void()> on_read,
                       std::function<void()> on_attached) {
    nats_ = of;
    on_read_ = std::move(on_read);
    on_attached_ = std::move(on_attached);
    is_started_ = true;
    schedule_adopt();
}

void event_loop::stop() {
    nats_ = nullptr;
    ++socket_number_;
    is_started_ = false;
}

void event_loop::wait_detached() const noexcept {
    for (const auto end = clock::now() + std::chrono::seconds(1); !is_detached_;) {
        if (clock::now() > end) return;
        std::this_thread::yield();
    }
}

void event_loop::close() noexcept {
    std::error_code ec;
    socket_.close(ec);
}

event_loop::clock::duration event_loop::stalled() const noexcept {
    return stalled_since_ == clock::time_point::max() ? clock::duration::zero()
                                                      : clock::now() - stalled_since_;
}

void event_loop::tend() {
    if (wants_write_) schedule_write();
    if (!is_reading_ && socket_.is_open() && has_socket_) wait_readable();
}

void event_loop::schedule_adopt() {
    if (is_started_) asio::post(executor_, [me = shared_from_this()] { me->adopt(); });
}

void event_loop::schedule_write() noexcept try {
    if (!is_started_ || is_write_scheduled_.exchange(true)) return;
    asio::post(executor_, [me = shared_from_this()] {
        me->is_write_scheduled_ = false;
        me->write();
    });
} catch (const std::exception&) {  // see tend()
    is_write_scheduled_ = false;
}

int event_loop::attached() noexcept {
    const std::lock_guard lock(mutex_);
    return to_adopt_;
}

int event_loop::take_attached() noexcept {
    const std::lock_guard lock(mutex_);
    return std::exchange(to_adopt_, -1);
}

void event_loop::adopt() {
    if (nats_ == nullptr) return;
    const int own = take_attached();
    if (own < 0) return;
    std::error_code ec;
    socket_.close(ec);
    ++socket_number_;
    is_reading_ = false;
    stalled_since_ = clock::time_point::max();
    try {
        socket_.assign(own, ec);
    } catch (const std::bad_alloc&) {
        ec = std::make_error_code(std::errc::not_enough_memory);
    }
    if (ec) {
        ::close(own);
        return natsConnection_Close(nats_);
    }
    wait_readable();
    if (wants_write_) schedule_write();
    on_attached_();
}

void event_loop::wait_readable() noexcept try {
    socket_.async_wait(asio::posix::descriptor_base::wait_read,
                       [me = shared_from_this(), number = socket_number_](std::error_code) {
                           if (me->socket_number_ != number) return;
                           me->is_reading_ = false;
                           me->read();
                       });
    is_reading_ = true;
} catch (const std::exception&) {  // see tend()
}

// What it calls may stop this.
void event_loop::read() {
    // Else libnats has given the socket up, and holds its lock while it connects again.
    if (has_socket_ && attached() < 0 && gate_.may_read(socket_.native_handle()))
        natsConnection_ProcessReadEvent(nats_);
    if (has_socket_) wait_readable();
    on_read_();
    std::error_code ec;
    if (nats_ != nullptr && !has_socket_) socket_.close(ec);
}

void event_loop::write() {
    if (nats_ == nullptr || !wants_write_) return;
    if (!socket_.is_open() || gate_.may_write(socket_.native_handle()))
        natsConnection_ProcessWriteEvent(nats_);
    if (!wants_write_) {
        stalled_since_ = clock::time_point::max();
    } else if (has_socket_ && socket_.is_open()) {
        if (stalled_since_ == clock::time_point::max()) stalled_since_ = clock::now();
        wait_writable();
    }
}

void event_loop::wait_writable() noexcept try {
    if (is_write_scheduled_.exchange(true)) return;
    socket_.async_wait(asio::posix::descriptor_base::wait_write,
                       [me = shared_from_this(), number = socket_number_](std::error_code) {
                           me->is_write_scheduled_ = false;
                           if (me->socket_number_ == number)
                               me->stalled_since_ = clock::time_point::max();
                           me->write();
                       });
} catch (const std::exception&) {  // see tend()
    is_write_scheduled_ = false;
}

}  // namespace remora::nats
