// SPDX-License-Identifier: MIT
#include "server/report_socket.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <span>

namespace remora::detail {
namespace {

// Between two of them; also where there is no descriptor for the next one.
constexpr auto pause_time = std::chrono::milliseconds(10);

// Nobody else can enter the directory, as long as its mode is as it was made.
bool is_permitted(int socket) {
    ucred peer{};
    socklen_t size = sizeof peer;
    return ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           (peer.uid == ::geteuid() || peer.uid == 0);
}

}  // namespace

/// One who has connected.
struct report_socket::viewer {
    viewer(const asio::any_io_executor& executor, unique_fd from, std::chrono::nanoseconds time)
        : socket(executor), limit(executor, time) {
        socket.assign(from.get());
        from.release();
    }
    void give_up() noexcept {
        given_up = true;
        std::error_code ignored;
        socket.cancel(ignored);
    }
    void close() noexcept {
        limit.cancel();
        std::error_code ignored;
        socket.close(ignored);
    }

    asio::posix::stream_descriptor socket;
    asio::steady_timer limit;
    bool given_up = false;
};

report_socket::report_socket(const asio::any_io_executor& executor, unique_fd listening, maker make,
                             std::chrono::nanoseconds limit)
    : listening_(executor), pause_(executor), make_(std::move(make)), limit_(limit) {
    listening_.assign(listening.get());
    listening.release();
}

void report_socket::start(std::shared_ptr<const void> owner) {
    asio::co_spawn(listening_.get_executor(), answer_all(),
                   [self = shared_from_this(), owner = std::move(owner)](std::exception_ptr) {
                       std::error_code ignored;
                       self->listening_.close(ignored);
                       self->over_ = true;
                       self->awaiting_finish_.notify_all();
                   });
}

void report_socket::stop() noexcept {
    stops_ = true;
    std::error_code ignored;
    listening_.cancel(ignored);
    pause_.cancel();
    if (viewer_) viewer_->give_up();
}

asio::awaitable<void> report_socket::end() {
    stop();
    while (!over_)
        co_await awaiting_finish_.wait();
}

asio::awaitable<void> report_socket::answer_all() {
    std::error_code ignored;
    while (!stops_) {
        co_await listening_.async_wait(asio::posix::stream_descriptor::wait_read,
                                       asio::redirect_error(asio::use_awaitable, ignored));
        if (stops_) break;
        try {
            if (unique_fd next = accept()) {
                viewer_ =
                    std::make_shared<viewer>(listening_.get_executor(), std::move(next), limit_);
                co_await answer(viewer_);
            }
        } catch (const std::exception&) {  // there is no memory: it gets less, or nothing
        }
        if (viewer_) viewer_->close();
        viewer_.reset();
        if (!stops_) co_await pause();
    }
}

unique_fd report_socket::accept() {
    unique_fd next{
        ::accept4(listening_.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
    if (next && !is_permitted(next.get())) next.reset();
    return next;
}

asio::awaitable<void> report_socket::answer(std::shared_ptr<viewer> next) {
    next->limit.async_wait([next](std::error_code ec) {
        if (!ec) next->give_up();
    });
    byte_buffer all = co_await make_();
    co_await write(std::move(next), std::move(all));
}

// As long as there is room: it may have left, or read nothing.
asio::awaitable<void> report_socket::write(std::shared_ptr<viewer> to, byte_buffer all) {
    std::span<const std::byte> left = all.bytes();
    std::error_code ignored;
    while (!left.empty() && !to->given_up) {
        const ssize_t count =
            ::send(to->socket.native_handle(), left.data(), left.size(), MSG_NOSIGNAL);
        if (count > 0) {
            left = left.subspan(static_cast<std::size_t>(count));
        } else if (errno == EAGAIN) {
            co_await to->socket.async_wait(asio::posix::stream_descriptor::wait_write,
                                           asio::redirect_error(asio::use_awaitable, ignored));
        } else if (errno != EINTR) {
            break;
        }
    }
}

asio::awaitable<void> report_socket::pause() {
    std::error_code ignored;
    pause_.expires_after(pause_time);
    co_await pause_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

}  // namespace remora::detail
