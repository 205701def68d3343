// SPDX-License-Identifier: MIT
/// The frames that one end of a pipe receives, and how its direction ends.
#pragma once

#include <remora/detail/wire/archive/buffer.hpp>
#include <remora/detail/wire/frame.hpp>
#include <remora/limits.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_map>

namespace remora::detail {

/// What an end takes: the frames of a connection, or those of the control pipe.
enum class frame_kinds { messages, control };

/// Bytes in, frames out, without input or output. It has the frame at the head of the input, the
/// names of types that were told, and how the conversation has ended. Its members are many as these
/// three belong to one pass over the bytes.
class frame_reader {
public:
    frame_reader(frame_kinds kinds, const pipe_limits& limits) noexcept
        : kinds_(kinds), limits_(limits) {}

    /// What the first frame of the input was.
    enum class found {
        nothing,  ///< it is not whole yet
        head,     ///< one for the receiver: head()
        window,   ///< how many calls may be unanswered: window()
        close,    ///< the end of the conversation: end_code()
        skipped,  ///< one of a kind that is passed over
        piece,    ///< a part of one whose last part is still to come
    };
    /// Reads it. What is neither `nothing` nor `head` is done with: `consumed` says how long it
    /// was. `takes_calls`: the frames of calls are for the receiver, too. Throws what is wrong with
    /// the bytes, or the place of the frame.
    found read(std::span<const std::byte> input, bool takes_calls, std::size_t& consumed);

    /// How large the input has to grow until the next frame is whole, as far as that is known.
    std::size_t wanted() const noexcept { return wanted_; }
    /// The frame that was found, until it is popped. It refers to the input.
    const frame* head() const noexcept { return has_head_ ? &head_ : nullptr; }
    /// How many bytes of the input it is; 0 if there is none.
    std::size_t head_size() const noexcept { return has_head_ ? head_size_ : 0; }
    /// Drops it, and says that size.
    std::size_t pop() noexcept;
    /// It stays in the input.
    void forget_head() noexcept { has_head_ = false; }
    /// From now on frames may come in pieces.
    void enable_pieces() noexcept { joins_ = true; }
    /// From now on frames may lend.
    void enable_loans() noexcept { takes_loans_ = true; }
    std::uint64_t window() const noexcept { return window_; }

    /// So many bytes of frames were popped, or were done with at once.
    std::uint64_t bytes() const noexcept { return bytes_; }
    /// The frames that were popped.
    const frame_counts& counts() const noexcept { return counts_; }

    /// What read() has found last, if that was anything; good as long as the input.
    const frame& last() const noexcept { return head_; }
    /// The name of the type of that frame; empty if it has none.
    std::string_view last_type() const noexcept;
    /// The name of a type that the other end has used; empty if it has not told it.
    std::string_view type_name(std::uint64_t tag) const noexcept;
    /// The same, or its tag, to be shown.
    std::string type_text(std::uint64_t tag) const;

    /// True if a whole frame of the input says that the other end has closed.
    bool sees_close(std::span<const std::byte> input);
    /// Nothing more can be received, and why: no code after a clean end.
    void end(std::error_code why, std::string text);
    bool has_ended() const noexcept { return end_code_.has_value(); }
    bool at_clean_end() const noexcept { return end_code_ && *end_code_ == std::error_code(); }
    std::error_code end_code() const noexcept { return end_code_.value_or(std::error_code()); }
    const std::string& end_text() const noexcept { return end_text_; }

private:
    bool takes(frame_kind kind, bool takes_calls) const noexcept;
    found on_own_frame(const frame& f);
    found pass_over(const frame& f) const;
    void note_name(const frame& f);
    found note_close(const frame& f);
    found keep_piece(const frame& f);
    frame join(const frame& last);
    void split_loans();

    frame_kinds kinds_;
    pipe_limits limits_;
    bool has_head_ = false;
    frame head_{};  ///< or what was read last
    std::size_t head_size_ = 0;
    std::size_t wanted_ = frame_header::size;
    std::uint64_t bytes_ = 0;
    frame_counts counts_;
    std::uint64_t window_ = 1;
    bool joins_ = false;
    bool takes_loans_ = false;
    byte_buffer pieces_;        ///< of the payload of one frame
    frame_header of_pieces_{};  ///< the first of them
    std::unordered_map<std::uint64_t, std::string> names_seen_;
    /// The one that was asked for last.
    mutable const std::pair<const std::uint64_t, std::string>* last_name_ = nullptr;
    std::optional<std::error_code> end_code_;
    std::string end_text_;
};

}  // namespace remora::detail
