// SPDX-License-Identifier: MIT
#include "process/line_reader.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <exception>
#include <utility>

namespace remora::detail {
namespace {
// What a pipe usually holds.
constexpr std::size_t bytes_in_a_turn = std::size_t{64} << 10;
// How long lines are handed on before the pipe is looked at again, where one thread does both: a
// quick function gets them all, and a slow one lets the process write on.
constexpr auto longest_delivery = std::chrono::milliseconds(20);
// The notice of the end is posted, which may fail without memory: finish() looks by itself then.
constexpr auto longest_notice = std::chrono::milliseconds(20);
}  // namespace

line_reader::line_reader(const asio::any_io_executor& strand,
                         asio::any_io_executor callback_executor, unique_fd pipe, std::string name,
                         functions what)
    : callback_executor_(std::move(callback_executor)),
      pipe_(strand, pipe.get()),
      name_(std::move(name)),
      functions_(std::move(what)) {
    pipe.release();
}

void line_reader::start() {
    await_bytes();
}

void line_reader::await_bytes() {
    pipe_.async_wait(asio::posix::stream_descriptor::wait_read,
                     [self = shared_from_this()](std::error_code ec) {
                         if (!ec && self->read(bytes_in_a_turn)) self->await_bytes();
                     });
}

// False at the end of file.
bool line_reader::read(std::size_t at_most) {
    std::array<char, 16384> bytes;
    ssize_t count = 0;
    for (std::size_t total = 0; total < at_most; total += static_cast<std::size_t>(count)) {
        do {
            count = ::read(pipe_.native_handle(), bytes.data(),
                           std::min(bytes.size(), at_most - total));
        } while (count < 0 && errno == EINTR);
        if (count <= 0) break;
        const std::lock_guard lock(mutex_);
        lines_.add({bytes.data(), static_cast<std::size_t>(count)});
    }
    const bool may_go_on = count > 0 || (count < 0 && errno == EAGAIN);
    deliver_later();
    return may_go_on;
}

// What the process wrote before its end is not more than the pipe holds. So there is an end of it
// also where others, which it has left behind, go on writing.
void line_reader::read_rest() {
    const int size = ::fcntl(pipe_.native_handle(), F_GETPIPE_SZ);
    read(static_cast<std::size_t>(std::max(size, 1)));
    std::error_code ignored;
    pipe_.close(ignored);
    const std::lock_guard lock(mutex_);
    lines_.finish();
}

asio::awaitable<void> line_reader::finish(deadline until) {
    read_rest();
    deliver_later();
    while (is_delivering() && !drops_rest_) {
        if (!co_await idle_.wait(until)) break;
    }
    {
        const std::lock_guard lock(mutex_);
        lines_.drop_all();
    }
    while (is_delivering())
        co_await idle_.wait(std::chrono::steady_clock::now() + longest_notice);
    report_gap();
}

void line_reader::drop_rest() {
    drops_rest_ = true;
    idle_.notify_all();
}

bool line_reader::is_delivering() {
    const std::lock_guard lock(mutex_);
    return delivering_;
}

void line_reader::deliver_later() {
    const std::lock_guard lock(mutex_);
    if (!delivering_) post_delivery();
}

// With the mutex locked.
void line_reader::post_delivery() {
    delivering_ = !lines_.empty();
    if (!delivering_) return;
    try {
        asio::post(callback_executor_, [self = shared_from_this()] { self->deliver(); });
    } catch (...) {  // they wait for the next bytes, or for finish()
        delivering_ = false;
    }
}

void line_reader::deliver() {
    const auto until = std::chrono::steady_clock::now() + longest_delivery;
    do {
        const auto line = next_line();
        if (!line) break;
        try {
            call(*line);
            report_gap();
        } catch (...) {  // what cannot be told does not keep the next line
        }
    } while (std::chrono::steady_clock::now() < until);
    const std::lock_guard lock(mutex_);
    post_delivery();
    if (delivering_) return;
    asio::post(pipe_.get_executor(), [self = shared_from_this()] { self->idle_.notify_all(); });
}

std::optional<std::string> line_reader::next_line() {
    const std::lock_guard lock(mutex_);
    if (lines_.empty()) return {};
    return lines_.pop();
}

void line_reader::call(const std::string& line) {
    std::string why = "an exception";
    try {
        return functions_.take(line);
    } catch (const std::exception& e) {
        why = e.what();
    } catch (...) {
    }
    functions_.report_lost(name_ + ": its function has thrown: " + why);
}

void line_reader::report_gap() {
    std::uint64_t gap = 0;
    {
        const std::lock_guard lock(mutex_);
        gap = lines_.take_gap();
    }
    if (gap != 0)
        functions_.report_lost(name_ + ": dropped " + std::to_string(gap) +
                               " lines, for which its function was too slow");
}

}  // namespace remora::detail
