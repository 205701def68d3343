// SPDX-License-Identifier: MIT
/// The calls that one end of a pipe is to answer. No input or output.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace remora::detail {

/// Their numbers, and how many of them have no answer that has left.
class served_table {
public:
    enum class verdict {
        admitted,
        repeated,  ///< the number was used before
        too_many,  ///< more than the other end was allowed
    };

    explicit served_table(std::size_t limit) noexcept : limit_(limit) {}

    void set_limit(std::size_t calls) noexcept { limit_ = calls; }
    /// `in_pieces`: the request has come in pieces, so that later ones may have overtaken it.
    verdict admit(std::uint64_t id, bool in_pieces = false) noexcept {
        if (id <= last_ && !in_pieces) return verdict::repeated;
        if (in_flight_ >= limit_) return verdict::too_many;
        last_ = std::max(last_, id);
        ++in_flight_;
        return verdict::admitted;
    }
    /// An answer stands in the queue, and will have left when `position` is written, which it is
    /// not yet.
    void answered(std::uint64_t position) noexcept;
    /// So many bytes that ended at `position` were taken out of the queue.
    void withdrawn(std::uint64_t position, std::uint64_t bytes) noexcept;
    /// The bytes before `position` have left.
    void written(std::uint64_t position) noexcept {
        if (position != written_) note_written(position);
    }

    /// Admitted, and without an answer that has left.
    std::size_t in_flight() const noexcept { return in_flight_; }
    /// Answered so far, whether the answer has left or not.
    std::uint64_t answers() const noexcept { return answers_; }

private:
    void note_written(std::uint64_t position) noexcept;

    std::size_t limit_;
    std::uint64_t last_ = 0;
    std::size_t in_flight_ = 0;
    std::uint64_t answers_ = 0;
    std::vector<std::uint64_t> queued_;  ///< where answers end that have not left, ascending
    std::size_t first_ = 0;              ///< of queued_
    std::uint64_t written_ = 0;
};

}  // namespace remora::detail
