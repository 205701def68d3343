// SPDX-License-Identifier: MIT
#include <remora/detail/call/served_table.hpp>

#include <cstddef>
#include <new>

namespace remora::detail {

void served_table::answered(std::uint64_t position) noexcept try {
    ++answers_;
    queued_.push_back(position);
} catch (const std::bad_alloc&) {  // the answer stands: it is counted as written
    --in_flight_;
}

void served_table::withdrawn(std::uint64_t position, std::uint64_t bytes) noexcept {
    for (std::size_t i = queued_.size(); i != first_ && queued_[i - 1] > position; --i)
        queued_[i - 1] -= bytes;
}

void served_table::note_written(std::uint64_t position) noexcept {
    written_ = position;
    while (first_ != queued_.size() && queued_[first_] <= position) {
        ++first_;
        --in_flight_;
    }
    if (first_ < queued_.size() / 2) return;
    queued_.erase(queued_.begin(), queued_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
}

}  // namespace remora::detail
