// SPDX-License-Identifier: MIT
/// Reads the lines that a process writes to a pipe, and calls a function with each.
#pragma once

#include "base/unique_fd.hpp"
#include "process/line_queue.hpp"

#include <remora/detail/base/wait_queue.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace remora::detail {

/// The reading end of the pipe, and the calls. Reading does not wait for the function: it belongs
/// to one strand, the calls are made on another one. Kept by its own operations from start() until
/// finish() has ended.
class line_reader : public std::enable_shared_from_this<line_reader> {
public:
    /// What is called with each line, and what with the text of an event `output_lost`: both where
    /// the calls are made, the latter on the reader's strand as well.
    struct functions {
        std::function<void(std::string_view line)> take;
        std::function<void(const std::string& text)> report_lost;
    };

    /// `pipe` does not block. `name` is that of the stream.
    line_reader(const asio::any_io_executor& strand, asio::any_io_executor callback_executor,
                unique_fd pipe, std::string name, functions what);

    void start();
    /// The process has ended: reads what it has written, and completes when all of it is taken.
    /// What is not taken when `until` has passed, or drop_rest() was called, is dropped. Nothing is
    /// called any more afterwards.
    asio::awaitable<void> finish(deadline until);
    /// Ends finish() now.
    void drop_rest();
    /// Lines. After finish().
    std::uint64_t dropped() const noexcept { return lines_.dropped(); }

private:
    void await_bytes();
    bool read(std::size_t at_most);
    void read_rest();
    void deliver_later();
    void post_delivery();
    void deliver();
    std::optional<std::string> next_line();
    void call(const std::string& line);
    bool is_delivering();
    void report_gap();

    asio::any_io_executor callback_executor_;
    asio::posix::stream_descriptor pipe_;
    std::string name_;
    functions functions_;
    wait_queue idle_;  ///< nothing is being delivered
    bool drops_rest_ = false;
    std::mutex mutex_;  ///< guards these two
    line_queue lines_;
    bool delivering_ = false;
};

}  // namespace remora::detail
