// SPDX-License-Identifier: MIT
#include <remora/detail/call/served_table.hpp>

#include <algorithm>
#include <cstddef>
#include <new>

namespace remora::detail {

served_table::verdict served_table::admit(std::uint64_t id, bool in_pieces) noexcept {
    if (id <= last_ && !in_pieces) return verdict::repeated;
    if (in_flight_ >= limit_) return verdict::too_many;
    last_ = std::max(last_, id);
    ++in_flight_;
    return verdict::admitted;
}

void served_table::answered(std::uint64_t position) noexcept try {
    queued_.push_back(position);
} catch (const std::bad_alloc&) {  // the answer stands: it is counted as written
    --in_flight_;
}

void served_table::withdrawn(std::uint64_t position, std::uint64_t bytes) noexcept {
    for (std::size_t i = queued_.size(); i != first_ && queued_[i - 1] > position; --i)
        queued_[i - 1] -= bytes;
}

void served_table::written(std::uint64_t position) noexcept {
    while (first_ != queued_.size() && queued_[first_] <= position) {
        ++first_;
        --in_flight_;
    }
    if (first_ < queued_.size() / 2) return;
    queued_.erase(queued_.begin(), queued_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
}

}  // namespace remora::detail
