// SPDX-License-Identifier: MIT
/// The socket at which a run can be looked into.
#pragma once

#include "base/unique_fd.hpp"

#include <remora/asio.hpp>
#include <remora/detail/base/wait_queue.hpp>
#include <remora/detail/wire/archive/buffer.hpp>

#include <chrono>
#include <functional>
#include <memory>

namespace remora::detail {

/// Answers those who connect: each gets what `make` returns, and the end of the stream. One after
/// the other, a hundred a second at most, each with a limit of time; so nobody who connects and
/// does not read, or connects again and again, keeps the server busy. Belongs to its executor.
class report_socket : public std::enable_shared_from_this<report_socket> {
public:
    using maker = std::function<asio::awaitable<byte_buffer>()>;

    /// `listening` is a socket that listens; `limit`, how long one of them may take to read.
    report_socket(const asio::any_io_executor& executor, unique_fd listening, maker make,
                  std::chrono::nanoseconds limit = std::chrono::seconds(1));

    /// Answers until stop(). Once; `owner` keeps what `make` needs.
    void start(std::shared_ptr<const void> owner);
    /// From now on nobody is answered.
    void stop() noexcept;
    /// The same; completes when nothing of it runs any more and the socket is closed.
    asio::awaitable<void> end();

private:
    struct viewer;

    asio::awaitable<void> answer_all();
    unique_fd accept();
    asio::awaitable<void> answer(std::shared_ptr<viewer> next);
    asio::awaitable<void> write(std::shared_ptr<viewer> to, byte_buffer all);
    asio::awaitable<void> pause();

    asio::posix::stream_descriptor listening_;
    asio::steady_timer pause_;
    maker make_;
    std::chrono::nanoseconds limit_;
    std::shared_ptr<viewer> viewer_;
    bool stops_ = false;
    bool over_ = false;
    wait_queue awaiting_finish_;
};

}  // namespace remora::detail
