// SPDX-License-Identifier: MIT
/// The frames that one end of a pipe sends, from their header to the last byte written.
#pragma once

#include <remora/detail/pipe/large_frames.hpp>
#include <remora/detail/wire/archive/buffer.hpp>
#include <remora/detail/wire/frame.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <unordered_set>

namespace remora::detail {

/// Frames in, bytes out, without input or output: the queue of what was not written yet. A frame is
/// encoded where it waits: begin_frame(), encode into out(), end_frame(); if one of them throws
/// drop_frame() takes it out again.
class frame_writer {
public:
    /// The place of a frame in the bytes of this direction, counted since the start; and its size.
    /// A frame that leaves in pieces has no place of its own: `begin` is where it would have stood,
    /// and end = begin + 1, so that written() passes it once all before it has left.
    struct position {
        std::uint64_t begin = 0, end = 0;
        std::size_t size = 0;
    };

    /// No value is longer than `limit`.
    explicit frame_writer(std::size_t limit) : limit_(limit) {}
    /// From now on large frames of calls leave in pieces.
    void cut_large_frames() noexcept { cuts_ = true; }

    /// Throws std::bad_alloc, and `overloaded` if more types were named than the other
    /// end takes.
    position begin_frame(frame_kind kind, std::uint64_t id = 0, std::uint64_t tag = 0,
                         std::string_view type_name = {}, std::uint8_t flags = 0);
    /// Where the payload of the frame that has begun goes.
    byte_buffer& out() noexcept { return out_; }
    /// Completes the header. Throws `message_too_large` and std::bad_alloc; then the frame is to be
    /// dropped.
    void end_frame(position& p);
    /// The frame that has begun lends something: out() ends with the table.
    void mark_lending(position p) noexcept {
        out_.data()[p.begin - base_ + 5] |= std::byte{frame_header::lends};
    }
    /// Takes out the last frame.
    void drop_frame(position p) noexcept;
    /// The bytes of frames of which none was written.
    std::span<const std::byte> bytes_of(position p) const noexcept {
        return out_.bytes().subspan(p.begin - base_, p.end - p.begin);
    }
    /// Takes out a frame of which no byte was written; false, and nothing happens, otherwise. Those
    /// after it move to the front.
    bool withdraw(position p) noexcept;

    /// The bytes to be written next; none if nothing is queued. Throws std::bad_alloc.
    std::span<const std::byte> unwritten() {
        if (!large_.empty()) [[unlikely]]
            put_next_piece();
        return out_.bytes().subspan(sent_);
    }
    /// How many bytes were not written yet.
    std::size_t queued() const noexcept { return out_.size() - sent_ + large_.size(); }
    /// Whether a further frame has to wait, where `most` bytes may be queued; and, beside them, one
    /// large frame, since others go between its pieces.
    bool is_full(std::size_t most) const noexcept {
        return out_.size() - sent_ >= most || large_.size() >= most + limit_;
    }
    /// So many of them were written.
    void advance(std::size_t count) noexcept {
        sent_ += count;
        if (sent_ != out_.size()) return make_room();
        base_ += sent_;
        sent_ = 0;
        out_.clear();
        if (out_.capacity() > keep_capacity) [[unlikely]]
            out_ = byte_buffer();
    }
    /// How many bytes of this direction were written, since the start.
    std::uint64_t written() const noexcept { return base_ + sent_; }
    /// Nothing of what is queued will be written.
    void drop_all() noexcept;

    /// So many bytes have left, without those that were dropped.
    std::uint64_t bytes() const noexcept { return written() - dropped_; }
    /// The frames that were queued, without those that were withdrawn.
    const frame_counts& counts() const noexcept { return counts_; }

private:
    bool may_move(const std::byte* header, std::size_t length) const noexcept;
    void move_if_large(position& p, const frame_header& header);
    void put_next_piece();
    void make_room() noexcept;
    void put_name(position p, std::uint64_t tag, std::string_view type_name);
    void forget_name(position p) noexcept;
    /// Takes what is between the ends of `p` out of the counts; the bytes stay.
    void uncount(position p) noexcept;

    std::size_t limit_;
    byte_buffer out_;         ///< the frames that are not wholly written
    std::size_t sent_ = 0;    ///< of out_
    std::uint64_t base_ = 0;  ///< the position of out_'s first byte
    frame_counts counts_;
    std::unordered_set<std::uint64_t> names_sent_;
    std::unordered_set<std::uint64_t>
        names_ever_sent_;  ///< whether or not a dropped frame has taken it back
    std::uint64_t last_tag_ = 0;
    std::uint64_t dropped_ = 0;  ///< bytes before base_ that were not written

    bool cuts_ = false;
    large_frames large_;
    std::uint64_t end_of_piece_ = 0;  ///< the next one follows when all before it was written
    position time_left_{};            ///< the last frame of that kind
    std::uint64_t timed_call_ = 0;    ///< whose it is
};

}  // namespace remora::detail
