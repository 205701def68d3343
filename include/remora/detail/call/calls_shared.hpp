// SPDX-License-Identifier: MIT
/// What both directions of the calls over one pipe share. Not for users.
#pragma once

#include <remora/detail/call/conversation.hpp>
#include <remora/detail/call/frame_batch.hpp>
#include <remora/detail/call/pipe_end.hpp>
#include <remora/detail/call/stream_windows.hpp>
#include <remora/detail/polling/wake_event.hpp>

#include <cstddef>

namespace remora::detail {

/// How many calls of one direction are unanswered at most, whatever window is offered: each takes
/// memory, and the end that calls keeps more of them back.
inline constexpr std::size_t most_in_flight = 1u << 16;

struct calls_shared {
    explicit calls_shared(pipe_end& of)
        : end(of), whole(of), batch(of), windows(of, batch, whole) {}
    calls_shared(const calls_shared&) = delete;
    calls_shared& operator=(const calls_shared&) = delete;

    pipe_end& end;
    wake_events waiting;  ///< callers, producers and consumers of streams, idle workers
    conversation whole;
    frame_batch batch;
    stream_windows windows;
};

}  // namespace remora::detail
