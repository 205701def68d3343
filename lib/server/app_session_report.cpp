// SPDX-License-Identifier: MIT
// How the run is looked into.
#include "server/app_session.hpp"

#include "wire/run_report.hpp"

#include <unistd.h>

#include <filesystem>

namespace remora::detail {
namespace {
// How long the executors of pipes may take to say what they have counted.
constexpr auto counting_limit = std::chrono::milliseconds(200);
}  // namespace

void app_session::open_to_reports() {
    const auto socket = std::make_shared<report_socket>(
        strand(), transports_.listen(wire::inspect_name), [this] { return report(); });
    socket->start(shared_from_this());
    reports_ = socket;
}

asio::awaitable<byte_buffer> app_session::report() {
    const auto now = std::chrono::steady_clock::now();
    std::error_code ignored;
    wire::run_report all{
        .pid = ::getpid(),
        .program = std::filesystem::read_symlink("/proc/self/exe", ignored).string(),
        .age = now - run_since_,
        .app = {.target = server_->options.target,
                .pid = process_->pid_of_app(),
                .life = life_,
                .state = state(),
                .age = now - since_},
        .opening = connections_.not_open_yet(),
        .connections = {}};
    all.connections = co_await connections_.report(now + counting_limit);
    byte_buffer bytes;
    encode(bytes, all);
    co_return bytes;
}

std::string app_session::state() const {
    if (ended_) return "ended";
    if (is_stopping()) return "stopping";
    if (control_.is_welcomed()) return "running";
    return line_to_start_.empty() ? "starting" : "awaited";
}

}  // namespace remora::detail
