// SPDX-License-Identifier: MIT
/// The frames of calls that are too large to be sent in one piece.
#pragma once

#include <remora/detail/wire/archive/buffer.hpp>
#include <remora/detail/wire/frame.hpp>

#include <cstddef>
#include <cstdint>
#include <list>

namespace remora::detail {

/// Frames in, pieces of them out, without input or output: the queue of large frames, beside that
/// of all others. One frame is sent at a time, then one of the next call; between two of its pieces
/// other frames may go. What belongs to the call of a frame that waits here has to wait behind it.
class large_frames {
public:
    /// Bytes of a payload in one piece. A longer payload is cut.
    static constexpr std::size_t piece = 64u << 10;

    /// True for the kinds of frames that may be cut.
    static bool cuts(frame_kind kind) noexcept {
        return kind == frame_kind::request || kind == frame_kind::reply || kind == frame_kind::item;
    }

    bool empty() const noexcept { return calls_.empty(); }
    /// How many bytes wait here.
    std::size_t size() const noexcept { return size_; }
    /// True if frames of the call to which this frame belongs wait here.
    bool holds(const frame_header& header) const noexcept;

    /// Takes the last `count` bytes of `from`, which are whole frames of the call that `header`
    /// belongs to; or the close frame, which is the last to leave. Throws std::bad_alloc, and then
    /// has taken nothing.
    void take(const frame_header& header, byte_buffer& from, std::size_t count);
    /// Appends the next piece, or the next frame that is none, to `to`.
    void put_next(byte_buffer& to);
    void clear() noexcept;

private:
    struct call {
        std::uint64_t id;
        std::uint8_t of_sender;
        byte_buffer frames;
        std::size_t done = 0;       ///< bytes of `frames`
        std::size_t in_pieces = 0;  ///< of the payload of the frame that stands there
    };

    static std::uint8_t side(const frame_header& header) noexcept {
        return header.flags & frame_header::of_sender;
    }
    void put_piece(call& from, const frame_header& whole, byte_buffer& to);
    void end_frame(bool keeps_turn);

    std::list<call> calls_;  ///< takes no memory while it is empty
    std::size_t size_ = 0;
    bool closes_ = false;  ///< the last of calls_ is the close frame
};

}  // namespace remora::detail
