// SPDX-License-Identifier: MIT
/// The transport over two rings in shared memory, with a pair of FIFOs that wakes sleepers.
#pragma once

#include "transport/fifo.hpp"
#include "transport/shared_rings.hpp"
#include "transport/transport.hpp"

#include <memory>

namespace remora::detail {

/// What a connection stands on: a pair of FIFOs, and rings if these only wake sleepers.
struct transport_parts {
    fifo_ends fifo;
    shared_rings rings = {};
};

std::unique_ptr<transport> make_transport(const asio::any_io_executor& executor,
                                          transport_parts ends);

}  // namespace remora::detail
