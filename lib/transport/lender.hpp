// SPDX-License-Identifier: MIT
/// The blocks of shared memory that one end of a connection lends to the other.
#pragma once

#include "transport/block_map.hpp"
#include "transport/shared_rings.hpp"

#include <remora/detail/wire/archive/buffer.hpp>
#include <remora/detail/wire/byte_block.hpp>
#include <remora/detail/wire/frame.hpp>

#include <array>
#include <memory>
#include <mutex>
#include <vector>

namespace remora::detail {

/// Allocates blocks in this end's range, lends them with frames, and uses them again when nobody
/// here uses them and the other end has given back all loans. What is free it knows by itself; of
/// the other end it takes nothing but the counts of what that gives back, and these only say when.
///
/// Blocks may be dropped on any thread; all else belongs to the executor of the pipe. Whoever has a
/// block keeps its lender, and so the memory of the connection.
class lender final : public block_lender, public std::enable_shared_from_this<lender> {
public:
    /// Uses at most `limit` bytes, or all of the range.
    lender(std::shared_ptr<shared_rings> memory, std::uint64_t limit);
    ~lender();

    /// None if there is no room or no slot, or the system has no memory. The bytes may be those of
    /// an earlier block. Throws std::bad_alloc.
    block_ref allocate(std::size_t size);

    std::optional<std::uint32_t> lend(byte_block& block) override;
    /// What the frame lends that is being encoded.
    bool has_pending() const noexcept { return !pending_.empty(); }
    /// Appends the table of that to the frame. Throws what `out` does.
    void put_table(byte_buffer& out) const;
    /// The frame is ended, and what is pending is lent.
    void lend_pending() noexcept;
    /// The frame will not be.
    void drop_pending() noexcept;
    /// Frames that were not written, and will not be.
    void take_back(std::span<const std::byte> frames) noexcept;

private:
    struct slot;

    slot* find_slot();
    void collect() noexcept;
    bool commit(std::uint64_t offset, std::uint64_t size) noexcept;

    std::shared_ptr<shared_rings> memory_;
    std::span<std::byte> bytes_;  ///< of the range, once they are mapped
    std::uint64_t limit_;
    std::mutex mutex_;
    block_map map_;
    std::vector<std::unique_ptr<slot>> slots_;  ///< those that were used so far
    std::vector<block_ref> pending_;            ///< in the order of their numbers
};

}  // namespace remora::detail
