// SPDX-License-Identifier: MIT
#include "transport/fifo.hpp"

#include "polling/readable_set.hpp"

#include <remora/error.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

namespace remora::detail {
namespace {

constexpr std::size_t first_room = 4096;
constexpr std::size_t usual_room = 64 * 1024;
constexpr std::size_t large_write = 64 * 1024;
// To copy more in one go would keep others from the thread. A message of 64 KiB has a header, too,
// and what is a little more is not worth a turn of its own.
constexpr std::size_t most_read = 72 * 1024;
constexpr std::size_t most_written = 128 * 1024;
constexpr int large_pipe = 1024 * 1024;

class fifo_transport final : public transport {
public:
    fifo_transport(const asio::any_io_executor& executor, fifo_ends ends)
        : fifos_(executor, std::move(ends)), watched_(executor, fifos_.in()) {}

    transport_kind kind() const noexcept override { return transport_kind::fifo; }
    fetched fetch(std::size_t wanted) override;
    std::size_t write(std::span<const std::byte> bytes) override;
    asio::awaitable<void> wait(readiness what, std::error_code& ec) override {
        if (what == readiness::readable && watched_.can_wait()) return watched_.wait();
        return fifos_.wait(what, ec);
    }
    void cancel() noexcept override {
        fifos_.cancel();
        watched_.cancel();
    }
    void on_peer_opened() noexcept override { fifos_.on_peer_opened(); }
    void close() noexcept override;

private:
    void make_room(std::size_t wanted);
    void grow_pipe() noexcept;

    fifo_pair fifos_;
    watched_descriptor watched_;  ///< what is read
    std::vector<std::byte> buffer_;
    bool grown_ = false;
};

// Room for what is wanted, but never for more than twice of what has arrived: a false length must
// not make this side allocate more.
void fifo_transport::make_room(std::size_t wanted) {
    const std::size_t used = input_.size();
    const std::size_t begin =
        used == 0 ? 0 : static_cast<std::size_t>(input_.data() - buffer_.data());
    const std::size_t size = std::max({std::min(wanted, 2 * used), used + 1, first_room});
    if (begin + used == buffer_.size() || begin + size > buffer_.size()) {
        if (used != 0 && begin != 0) std::memmove(buffer_.data(), input_.data(), used);
        if (size > buffer_.size()) buffer_.resize(std::max(size, std::min(2 * size, usual_room)));
        input_ = {buffer_.data(), used};
    } else if (used == 0) {
        input_ = {buffer_.data(), 0};
    }
}

transport::fetched fifo_transport::fetch(std::size_t wanted) {
    if (!fifos_.is_open()) return fetched::end;
    make_room(wanted);
    std::byte* const at = buffer_.data() + (input_.data() - buffer_.data()) + input_.size();
    const auto room =
        std::min(static_cast<std::size_t>(buffer_.data() + buffer_.size() - at), most_read);
    watched_.clear_news();
    for (;;) {
        const ssize_t count = ::read(fifos_.in(), at, room);
        took_all_ = count > 0 && static_cast<std::size_t>(count) < room && !watched_.has_hung_up();
        if (count == 0) return fetched::end;
        if (count > 0) {
            input_ = {input_.data(), input_.size() + static_cast<std::size_t>(count)};
            return fetched::more;
        }
        if (errno == EAGAIN) return fetched::nothing;
        if (errno != EINTR) throw_system_error(errno, "reading from a FIFO");
    }
}

std::size_t fifo_transport::write(std::span<const std::byte> bytes) {
    if (!fifos_.is_open()) return 0;
    if (bytes.size() > large_write && !grown_) grow_pipe();
    if (bytes.size() > most_written) bytes = bytes.first(large_write);
    std::size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t count =
            ::write(fifos_.out(), bytes.data() + done, std::min(bytes.size() - done, large_write));
        if (count >= 0) {
            done += static_cast<std::size_t>(count);
        } else if (errno == EAGAIN) {
            break;
        } else if (errno != EINTR) {
            throw_system_error(errno, "writing to a FIFO");
        }
    }
    is_full_ = done != bytes.size();
    return done;
}

// Unprivileged users may be refused; the pipe works as it is.
void fifo_transport::grow_pipe() noexcept {
    grown_ = true;
    ::fcntl(fifos_.out(), F_SETPIPE_SZ, large_pipe);
}

void fifo_transport::close() noexcept {
    watched_.close();
    fifos_.close();
    input_ = {};
}

}  // namespace

fifo_pair::fifo_pair(const asio::any_io_executor& executor, fifo_ends ends)
    : in_fd_(std::move(ends.in)),
      in_(executor),
      out_(executor),
      spare_reader_(std::move(ends.spare_reader)),
      spare_writer_(std::move(ends.spare_writer)) {
    out_.assign(ends.out.get());
    ends.out.release();
}

asio::awaitable<void> fifo_pair::wait(transport::readiness what, std::error_code& ec) {
    using descriptor = asio::posix::stream_descriptor;
    auto token = asio::redirect_error(asio::use_awaitable, ec);
    if (what != transport::readiness::writable) open_in();
    switch (what) {
        case transport::readiness::readable:
            return in_.async_wait(descriptor::wait_read, token);
        case transport::readiness::writable:
            return out_.async_wait(descriptor::wait_write, token);
        case transport::readiness::hung_up:
            break;
    }
    return in_.async_wait(descriptor::wait_error, token);
}

// Asio looks at each descriptor that it has, waited for or not.
void fifo_pair::open_in() {
    if (!in_fd_) return;
    std::error_code refused;
    in_.assign(in_fd_.get(), refused);
    if (refused) throw_system_error(refused.value(), "waiting for a FIFO");
    in_fd_.release();
}

void fifo_pair::cancel() noexcept {
    std::error_code ignored;
    in_.cancel(ignored);
    out_.cancel(ignored);
}

void fifo_pair::close() noexcept {
    std::error_code ignored;
    in_fd_.reset();
    in_.close(ignored);
    out_.close(ignored);
    spare_reader_.reset();
    spare_writer_.reset();
}

std::unique_ptr<transport> make_fifo_transport(const asio::any_io_executor& executor,
                                               fifo_ends ends) {
    return std::make_unique<fifo_transport>(executor, std::move(ends));
}

}  // namespace remora::detail
