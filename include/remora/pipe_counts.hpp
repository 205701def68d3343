// SPDX-License-Identifier: MIT
/// What an end of a pipe has done so far, in numbers.
#pragma once

#include <remora/detail/base/standard.hpp>

#include <cstddef>
#include <cstdint>

namespace remora {

// remora-inspect of another version reads these: new members go after the others.

/// One direction of a pipe, as one end counts it from the opening on.
struct pipe_traffic {
    /// Of frames, with their headers: bytes that were written to the transport, or taken from it.
    std::uint64_t bytes = 0;
    /// Plain messages: those that were queued to be sent, unless they were taken back; those that
    /// were received, skipped, or came to the reader of a pipe that calls or serves.
    std::uint64_t messages = 0;
    std::uint64_t items = 0;   ///< of streams and uploads, likewise
    std::uint64_t polled = 0;  ///< waits, for bytes or for room, that ended before they slept
    std::uint64_t slept = 0;   ///< waits that slept until the system woke them
};

/// What an end of a pipe has to do now, and what it has done since it was opened.
struct pipe_counts {
    std::size_t calls = 0;  ///< made by this end, and not answered yet
    /// Handlers that are at work as coroutines, of calls and messages of the other end.
    std::size_t running_handlers = 0;
    /// Messages that no handler took, and answers to calls that were never made.
    std::uint64_t dropped = 0;
    std::size_t queued = 0;  ///< bytes that wait to leave
    /// The most bytes that have waited at once because the transport had no room.
    std::size_t peak_queued = 0;
    std::uint64_t calls_made = 0;  ///< requests of this end that were queued, streams too
    /// Of those: answered with an error, cancelled or dropped before the answer, or cut off by the
    /// end of the conversation.
    std::uint64_t calls_failed = 0;
    std::uint64_t calls_served = 0;   ///< requests of the other end that were answered
    std::uint64_t served_failed = 0;  ///< of those, with an error
    pipe_traffic sent = {};           ///< from this end to the other
    pipe_traffic received = {};       ///< from the other end to this
};

}  // namespace remora
