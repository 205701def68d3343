// SPDX-License-Identifier: MIT
/// Lines of text that wait to be taken, in a bounded amount of memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

namespace remora::detail {

/// Makes lines of bytes as they come, and keeps them until they are taken. Where there is no room
/// for a line it is dropped and counted, and so are those after it until half of the room is free
/// again. These are a gap.
class line_queue {
public:
    /// A longer line is handed on in pieces of this size.
    static constexpr std::size_t longest_line = std::size_t{64} << 10;
    /// Bytes of lines that wait, with what it takes to keep them.
    static constexpr std::size_t capacity = std::size_t{1} << 20;

    void add(std::string_view bytes);
    /// Nothing more comes: a line without a newline at the end is one, too.
    void finish();

    bool empty() const noexcept { return lines_.empty(); }
    /// The first line. Not if there is none.
    std::string pop();
    /// Drops every line that waits.
    void drop_all();

    /// All lines that were dropped.
    std::uint64_t dropped() const noexcept { return dropped_; }
    /// How many were dropped in a gap that is over; 0 if there is none.
    std::uint64_t take_gap() noexcept;

private:
    static std::size_t cost_of(const std::string& line) noexcept;
    void push(std::string line);
    void note_dropped(std::size_t lines) noexcept;

    std::deque<std::string> lines_;
    std::size_t size_ = 0;  ///< of lines_, in bytes
    std::string begun_;     ///< a line whose end has not come
    std::uint64_t dropped_ = 0;
    std::uint64_t gap_ = 0;
    bool in_gap_ = false;
};

}  // namespace remora::detail
