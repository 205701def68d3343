// SPDX-License-Identifier: MIT
#include "transport/block_map.hpp"

#include <algorithm>
#include <iterator>

namespace remora::detail {

std::optional<block_map::part> block_map::take(std::uint64_t size) {
    extents_.reserve(extents_.size() + 1);
    auto found = find_with_pages(size);
    if (found == extents_.end()) found = find_row(size);
    if (found == extents_.end()) return std::nullopt;
    return cut(found, size);
}

// The smallest free extent that is large enough.
block_map::place block_map::find_with_pages(std::uint64_t size) {
    auto best = extents_.end();
    for (auto at = extents_.begin(); at != extents_.end(); ++at) {
        const bool fits = !at->is_used && at->has_pages && at->size >= size;
        if (fits && (best == extents_.end() || at->size < best->size)) best = at;
    }
    return best;
}

// The first free extents in a row that are large enough together.
block_map::place block_map::find_row(std::uint64_t size) {
    auto first = extents_.begin();
    std::uint64_t row = 0;
    for (auto at = extents_.begin(); at != extents_.end(); ++at) {
        if (at->is_used) {
            first = std::next(at);
            row = 0;
            continue;
        }
        row += at->size;
        if (row >= size) return first;
    }
    return extents_.end();
}

block_map::part block_map::cut(place first, std::uint64_t size) {
    extent used{first->offset, size, true, true};
    const std::uint64_t end = first->offset + size;
    auto last = first;
    for (;; ++last) {
        used.has_pages = used.has_pages && last->has_pages;
        if (last->offset + last->size >= end) break;
    }
    const extent rest{end, last->offset + last->size - end, false, last->has_pages};
    *first = used;
    const auto behind = extents_.erase(std::next(first), std::next(last));
    if (rest.size != 0) extents_.insert(behind, rest);
    return {used.offset, used.has_pages};
}

void block_map::give_back(std::uint64_t offset, bool has_pages) noexcept {
    auto at = std::ranges::find(extents_, offset, &extent::offset);
    at->is_used = false;
    at->has_pages = has_pages;
    if (at != extents_.begin() && merges(std::prev(at))) --at;
    for (int i = 0; i != 2; ++i) {
        const auto next = std::next(at);
        if (next == extents_.end() || !merges(at)) return;
        at->size += next->size;
        extents_.erase(next);
    }
}

// With the one after it.
bool block_map::merges(place left) const noexcept {
    const auto right = std::next(left);
    return !left->is_used && !right->is_used && left->has_pages == right->has_pages;
}

}  // namespace remora::detail
