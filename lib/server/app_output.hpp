// SPDX-License-Identifier: MIT
/// The app's standard output and error, where functions take their lines.
#pragma once

#include "base/unique_fd.hpp"
#include "process/line_reader.hpp"

#include <remora/event.hpp>
#include <remora/server.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace remora::detail {

/// A pipe and a reader for each of the two streams that leads to a function. Belongs to the
/// server's strand.
class app_output {
public:
    /// `report_lost` is called with the text of an event `output_lost`, on any executor.
    app_output(const asio::any_io_executor& strand, const asio::any_io_executor& callback_executor,
               std::function<void(const std::string& text)> report_lost)
        : strand_(strand),
          callback_executor_(callback_executor),
          report_lost_(std::move(report_lost)) {}

    /// What the app gets as the stream `name`: a new pipe where `target` is a function. Throws
    /// `bad_option`, and what the system says.
    standard_stream lead(const output_stream& target, const std::string& name);
    /// The app has got its ends.
    void close_ends_of_app() { ends_of_app_.clear(); }

    void start();
    /// The app has ended: completes when the functions have taken its last lines, or `until` has
    /// passed, or drop_rest() was called. No function is called any more afterwards.
    asio::awaitable<void> finish(deadline until);
    /// Lines that no function has taken yet are dropped.
    void drop_rest();
    /// Lines. After finish().
    std::uint64_t dropped() const noexcept;

private:
    asio::any_io_executor strand_;
    asio::any_io_executor callback_executor_;
    std::function<void(const std::string& text)> report_lost_;
    std::vector<std::shared_ptr<line_reader>> readers_;
    std::vector<unique_fd> ends_of_app_;
};

}  // namespace remora::detail
