// SPDX-License-Identifier: MIT
#include "server/app_output.hpp"

#include <remora/error.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace remora::detail {

standard_stream app_output::lead(const output_stream& target, const std::string& name) {
    if (const auto* const fd = std::get_if<int>(&target)) return *fd;
    if (const auto* const path = std::get_if<std::filesystem::path>(&target)) return *path;
    const auto& take = std::get<line_function>(target);
    if (!take) throw_error(errc::bad_option, name + ": no function to call with its lines");
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw_system_error(errno, name + ": make a pipe");
    unique_fd reading(ends[0]);
    unique_fd writing(ends[1]);
    // Of this end only: the app's writes block.
    if (!reading || !writing || ::fcntl(reading.get(), F_SETFL, O_NONBLOCK) != 0)
        throw_system_error(errno, name + ": make a pipe");
    readers_.push_back(std::make_shared<line_reader>(strand_, callback_executor_,
                                                     std::move(reading), name,
                                                     line_reader::functions{take, report_lost_}));
    ends_of_app_.push_back(std::move(writing));
    return ends_of_app_.back().get();
}

void app_output::start() {
    for (const auto& reader : readers_)
        reader->start();
}

asio::awaitable<void> app_output::finish(deadline until) {
    for (const auto& reader : readers_)
        co_await reader->finish(until);
}

void app_output::drop_rest() {
    for (const auto& reader : readers_)
        reader->drop_rest();
}

std::uint64_t app_output::dropped() const noexcept {
    std::uint64_t total = 0;
    for (const auto& reader : readers_)
        total += reader->dropped();
    return total;
}

}  // namespace remora::detail
