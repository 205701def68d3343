// SPDX-License-Identifier: MIT
/// The transport over a pair of FIFOs.
#pragma once

#include "base/unique_fd.hpp"
#include "transport/transport.hpp"

#include <memory>

namespace remora::detail {

/// The descriptors of one end of a pipe, all of them non-blocking.
struct fifo_ends {
    unique_fd in;   ///< read here
    unique_fd out;  ///< written here
    /// A reader of `out` that is never read: with it, a write to a dead peer gives neither SIGPIPE
    /// nor EPIPE. The end of `in` tells of the death.
    unique_fd spare_reader;
    /// A writer of `in` that is never written: until the peer has opened it, there is no end of
    /// file.
    unique_fd spare_writer;
};

/// One end of a pipe's FIFOs, at work.
class fifo_pair {
public:
    fifo_pair(const asio::any_io_executor& executor, fifo_ends ends);

    bool is_open() const noexcept { return out_.is_open(); }
    int in() noexcept { return in_fd_ ? in_fd_.get() : in_.native_handle(); }
    int out() noexcept { return out_.native_handle(); }

    /// As those of a transport.
    asio::awaitable<void> wait(transport::readiness what, std::error_code& ec);
    void cancel() noexcept;
    void on_peer_opened() noexcept { spare_writer_.reset(); }
    void close() noexcept;

private:
    void open_in();

    unique_fd in_fd_;  ///< until there is a wait for it
    asio::posix::stream_descriptor in_;
    asio::posix::stream_descriptor out_;
    unique_fd spare_reader_;
    unique_fd spare_writer_;
};

std::unique_ptr<transport> make_fifo_transport(const asio::any_io_executor& executor,
                                               fifo_ends ends);

}  // namespace remora::detail
