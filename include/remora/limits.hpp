// SPDX-License-Identifier: MIT
/// The limits of values and pipes: bytes, memory, depth.
#pragma once

#include <remora/detail/base/standard.hpp>

#include <cstddef>
#include <cstdint>

namespace remora {

/// What decoding may use, so that a few bytes cannot ask for gigabytes.
struct decode_limits {
    /// Bytes of memory for elements, strings and pointees; at least four times the message.
    std::size_t memory = 64u << 20;
    /// Records within records.
    unsigned depth = 256;
};

/// What a pipe lets through.
struct pipe_limits {
    /// Bytes of one encoded value, 4096 to 4 GiB - 4096; the smaller of both sides' counts.
    std::size_t message = 16u << 20;
    /// Bytes waiting to be written, beyond which `send` waits. Beside them a request, reply or item
    /// may wait that leaves in pieces.
    std::size_t queue = 256u << 10;
    decode_limits decode{};  ///< what one value may cost to decode
    /// Bytes of shared memory that this end of a connection may have in use for pipe::allocate(),
    /// up to 1 TiB; in an app no more than its server's count. What was used once stays with the
    /// connection. 0: bytes always travel in the message.
    std::uint64_t lent = 64u << 20;
};

}  // namespace remora
