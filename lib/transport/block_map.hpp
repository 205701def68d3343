// SPDX-License-Identifier: MIT
/// Which parts of a range of memory are free. No input or output here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace remora::detail {

/// Gives out parts of a range, in units of its caller's. It knows which free parts have been used
/// before: these have pages already, and are preferred.
class block_map {
public:
    /// Of a range from 0 to `size`.
    explicit block_map(std::uint64_t size) : extents_{{0, size, false, false}} {}

    struct part {
        std::uint64_t offset;
        bool has_pages;  ///< all of it was used before
    };
    /// None if nowhere is so much room in a row. Throws std::bad_alloc, and then nothing is taken.
    std::optional<part> take(std::uint64_t size);
    /// What take() gave out is free again. `has_pages` is false if it got none.
    void give_back(std::uint64_t offset, bool has_pages = true) noexcept;

private:
    struct extent {
        std::uint64_t offset, size;
        bool is_used;
        bool has_pages;
    };
    using place = std::vector<extent>::iterator;

    place find_with_pages(std::uint64_t size);
    place find_row(std::uint64_t size);
    part cut(place first, std::uint64_t size);
    bool merges(place left) const noexcept;

    std::vector<extent> extents_;  ///< all of the range, in its order
};

}  // namespace remora::detail
