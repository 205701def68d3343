// SPDX-License-Identifier: MIT
/// Frames of calls that leave together. Not for users.
#pragma once

#include <remora/detail/pipe/pipe_state.hpp>

#include <cstdint>
#include <memory>
#include <vector>

namespace remora::detail {

class incoming_stream;
class pipe_end;

/// The frames that are queued, and the streams that get items, while the reader takes what has
/// arrived. The frames are written in few pieces, and each stream is woken once. While the reader
/// waits there is no batch: a frame leaves at once.
class frame_batch {
public:
    using position = frame_writer::position;

    explicit frame_batch(pipe_end& end) noexcept : end_(end) {}

    // For the reader.
    /// Before each frame that is taken.
    void before_frame();
    /// Nothing more has arrived.
    void end();
    /// The conversation is over.
    void stop() noexcept { is_open_ = false; }
    void flush();

    /// A frame was queued. It leaves with the others of this batch, or at once.
    void queued(position p);
    /// Queues a frame without a payload.
    void send_empty(frame_kind kind, std::uint64_t id, std::uint8_t flags) {
        queued(put_empty(kind, id, flags));
    }
    /// The same, but it leaves together with the next one.
    position put_empty(frame_kind kind, std::uint64_t id, std::uint8_t flags);
    /// Queues a frame whose payload is a number.
    void send_number(frame_kind kind, std::uint64_t id, std::uint8_t flags, std::uint64_t number);
    /// The same, but it leaves together with the next one.
    position put_number(frame_kind kind, std::uint64_t id, std::uint8_t flags,
                        std::uint64_t number);

    /// The stream is woken with what else comes in this batch; at once where there is no memory to
    /// remember it.
    void wake_later(std::shared_ptr<incoming_stream> stream);
    void wake_streams();
    /// The same, if the reader waits, which would do it otherwise.
    void wake_streams_if_idle() {
        if (!is_open_) wake_streams();
    }
    /// They are not woken: the context is destroyed.
    void drop_streams() noexcept { to_wake_.clear(); }

private:
    void flush_if_due();
    void read_clock();

    pipe_end& end_;
    position last_{};  ///< of the frames that are not flushed
    int queued_ = 0;   ///< their number
    /// When they have to be flushed; max() until the clock was read after the last flush.
    deadline until_ = deadline::max();
    // Not each frame is worth a look at the clock.
    deadline clock_read_{};  ///< when the clock was last read
    std::int64_t tick_ = 0;  ///< of the coarse clock, then
    int frames_between_looks_ = 1, frames_to_next_look_ = 1;
    bool is_open_ = false;
    std::vector<std::shared_ptr<incoming_stream>> to_wake_;
};

}  // namespace remora::detail
