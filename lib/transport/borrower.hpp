// SPDX-License-Identifier: MIT
/// The blocks of shared memory that one end of a connection has borrowed from the other.
#pragma once

#include "transport/shared_rings.hpp"

#include <remora/detail/wire/byte_block.hpp>
#include <remora/detail/wire/frame.hpp>

#include <memory>
#include <mutex>
#include <span>
#include <vector>

namespace remora::detail {

/// Checks what the other end lends, and gives it back when nobody here uses it any more. Nothing
/// that the other end says makes this side read outside of that one's range.
///
/// Blocks may be dropped on any thread; all else belongs to the executor of the pipe. Whoever has a
/// block keeps its borrower, and so the memory of the connection.
class borrower : public std::enable_shared_from_this<borrower> {
public:
    explicit borrower(std::shared_ptr<shared_rings> memory);
    ~borrower();

    /// The blocks of a frame's table. Throws protocol_error for loans that no honest end makes,
    /// what the system says, and std::bad_alloc; some may be in `into` then.
    void borrow(std::span<const std::byte> table, std::vector<block_ref>& into);

private:
    struct slot;

    slot& slot_of(const loan& l);
    void check(const slot& s, const loan& l) const;

    std::shared_ptr<shared_rings> memory_;
    std::span<std::byte> bytes_;  ///< of the range, once they are mapped
    std::mutex mutex_;
    std::vector<std::unique_ptr<slot>> slots_;  ///< up to the highest that was used
    std::uint64_t tables_ = 0;                  ///< so far
};

}  // namespace remora::detail
