// SPDX-License-Identifier: MIT
/// What both directions of the calls over one pipe share. Not for users.
#pragma once

#include <remora/detail/call/calls_state.hpp>
#include <remora/detail/call/frame_batch.hpp>
#include <remora/detail/call/pipe_end.hpp>
#include <remora/detail/call/stream_windows.hpp>
#include <remora/detail/polling/wake_event.hpp>

#include <cstddef>

namespace remora::detail {

/// How many calls of one direction are unanswered at most, whatever window is offered: each takes
/// memory, and the end that calls keeps more of them back.
inline constexpr std::size_t most_in_flight = 1u << 16;

/// What a call_session owns for its caller and its dispatcher. Belongs to the executor of the pipe.
struct calls_shared {
    explicit calls_shared(pipe_end& of)
        : end(of), state(of), batch(of), windows(of, batch, state) {}
    calls_shared(const calls_shared&) = delete;
    calls_shared& operator=(const calls_shared&) = delete;

    pipe_end& end;
    wake_event_list events;  ///< callers, producers and consumers of streams, idle workers
    calls_state state;
    frame_batch batch;
    stream_windows windows;
};

}  // namespace remora::detail
