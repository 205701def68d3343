// SPDX-License-Identifier: MIT
/// The transport between two ends in one process.
#pragma once

#include "transport/transport.hpp"

#include <memory>
#include <utility>

namespace remora::detail {

/// Two ends that are connected: what one writes lies in memory until the other fetches it, at most
/// as much as a kernel's pipe holds. No descriptor, and no system call carries it. Both belong to
/// `executor`.
std::pair<std::unique_ptr<transport>, std::unique_ptr<transport>> make_in_process_transports(
    const asio::any_io_executor& executor);

}  // namespace remora::detail
