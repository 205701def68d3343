// SPDX-License-Identifier: MIT
/// The flow of a stream's items, on either side: who may send how much. No input or output.
///
/// Credit is counted in bytes of frames. A producer that has credit left may send one more item of
/// any size, so that no item is too large for a stream.
#pragma once

#include <remora/detail/wire/archive/buffer.hpp>
#include <remora/detail/wire/byte_block.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <span>
#include <vector>

namespace remora::detail {

/// The largest window of a stream, in bytes: how far the producer may be ahead of what was taken.
/// Also the first one, without the feature small_streams.
inline constexpr std::int64_t stream_window = 256 << 10;
/// The first window with that feature. It grows when the consumer has taken all, as long as the
/// windows of all streams of the connection together have grown by less than `stream_growth`: so
/// many streams that nobody reads take little memory.
inline constexpr std::int64_t first_window = 16 << 10;
inline constexpr std::int64_t stream_growth = 16 << 20;

/// The producer's side.
class stream_credit {
public:
    stream_credit() = default;
    explicit stream_credit(std::int64_t window) noexcept : left_(window) {}

    bool has_room() const noexcept { return left_ > 0; }
    void sent(std::size_t frame) noexcept { left_ -= static_cast<std::int64_t>(frame); }
    /// False if nobody can have that much credit.
    bool granted(std::uint64_t bytes) noexcept;

private:
    std::int64_t left_ = stream_window;
};

/// The consumer's side: the queue of items that have arrived, and the credit to give back.
class stream_inbox {
public:
    /// Of items of any type: the tag of each stands before its bytes.
    static constexpr std::uint64_t any_tag = 0;

    /// Of items whose type has this tag.
    explicit stream_inbox(std::uint64_t tag, std::int64_t window = stream_window) noexcept
        : tag_(tag), window_(window), left_(window) {}

    enum class verdict {
        taken,
        too_much,    ///< more than was granted
        after_end,   ///< the stream had ended
        wrong_type,  ///< another type of item
    };
    /// `loans` are the blocks that came with the item.
    verdict arrived(std::uint64_t tag, std::span<const std::byte> item, std::size_t frame,
                    std::span<const block_ref> loans = {});
    /// No more items come: a clean end, or why not.
    void end(std::exception_ptr why = nullptr) noexcept;

    /// Ends the stream: the items that are here can still be taken, later ones are dropped.
    void refuse(std::exception_ptr why) noexcept;

    bool takes_any() const noexcept { return tag_ == any_tag; }
    bool empty() const noexcept { return first_ == bytes_.size(); }
    /// True once the last item was taken and no more come.
    bool at_end() const noexcept { return ended_ && empty(); }
    const std::exception_ptr& failure() const noexcept { return failure_; }
    bool has_ended() const noexcept { return ended_; }

    /// The oldest item, after its tag where it may be any. Good until the next call.
    std::span<const std::byte> front() const noexcept;
    /// The blocks that came with it.
    std::span<const block_ref> front_loans() const noexcept;
    void pop() noexcept;
    /// Drops the items that are here, and those that still come.
    void discard() noexcept;
    /// By how much the window should grow: more than 0 if all was taken, and the producer waits, or
    /// soon will.
    std::int64_t wanted() const noexcept;
    void grow(std::int64_t bytes) noexcept;
    std::int64_t window() const noexcept { return window_; }
    /// Credit to give back now; 0 while it is not worth a frame.
    std::uint64_t take_credit() noexcept;

private:
    struct lengths {
        std::uint32_t item, frame, loans;
    };
    lengths front_lengths() const noexcept;

    std::uint64_t tag_;
    byte_buffer bytes_;
    std::size_t first_ = 0;         ///< of bytes_
    std::vector<block_ref> loans_;  ///< of all items
    std::int64_t window_;
    std::int64_t left_;      ///< that the producer has
    std::int64_t owed_ = 0;  ///< taken, and not given back
    std::exception_ptr failure_;
    bool ended_ = false;
    bool discarding_ = false;
};

}  // namespace remora::detail
