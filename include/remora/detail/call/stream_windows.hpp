// SPDX-License-Identifier: MIT
/// The credit of all incoming streams of one pipe. Not for users.
#pragma once

#include <remora/detail/call/calls_state.hpp>
#include <remora/detail/call/frame_batch.hpp>

#include <cstdint>

namespace remora::detail {

/// How much the producers of a pipe's streams may send, and the frames that tell them.
class stream_windows {
public:
    stream_windows(pipe_end& end, frame_batch& batch, calls_state& of_pipe) noexcept
        : end_(end), batch_(batch), state_(of_pipe) {}

    /// The credit of a stream's producer, from the beginning.
    std::int64_t first() const noexcept;
    /// How much of `bytes` a stream may get beyond that; less than 0: it gives back.
    std::int64_t grow(std::int64_t bytes) noexcept;
    /// Tells the producer that it may send so much more. `own`: of a call of this end.
    void give_credit(std::uint64_t id, bool own, std::uint64_t bytes) noexcept;

private:
    pipe_end& end_;
    frame_batch& batch_;
    calls_state& state_;
    std::int64_t grown_ = 0;  ///< credit beyond the first, of all streams
};

}  // namespace remora::detail
