// SPDX-License-Identifier: MIT
/// The memory of one connection: its two rings, mapped, and the ranges of what is lent.
#pragma once

#include "transport/ring.hpp"
#include "transport/shm_arena.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

namespace remora::detail {

/// Which end of a connection a process is.
enum class side { server, app };

constexpr side other(side one) noexcept {
    return one == side::server ? side::app : side::server;
}

/// The rings of one connection as one process sees them. Leaving them, by close() or destruction,
/// gives the memory back once both sides have left.
class shared_rings {
public:
    shared_rings() = default;
    /// Maps them. Throws what the system says, and protocol_error for a place that is none.
    /// `lent_size` is the size of each range of what is lent; these are mapped when they are
    /// needed.
    shared_rings(std::shared_ptr<shm_arena> arena, std::uint64_t offset, std::size_t size,
                 side mine, std::uint64_t lent_size = 0);
    shared_rings(shared_rings&& other) noexcept { swap(other); }
    shared_rings& operator=(shared_rings&& other) noexcept {
        shared_rings(std::move(other)).swap(*this);
        return *this;
    }
    ~shared_rings() { close(); }

    explicit operator bool() const noexcept { return page_ != nullptr; }
    std::uint64_t offset() const noexcept { return offset_; }
    std::size_t size() const noexcept { return size_; }
    /// Of each of the two ranges of what is lent; 0: nothing can be.
    std::uint64_t lent_size() const noexcept { return lent_size_; }
    side mine() const noexcept { return mine_; }

    /// The first page: what both sides see of the rings, `up` first, and of each other.
    void* page() const noexcept { return page_; }
    ring_reader reader() const noexcept;
    ring_writer writer() const noexcept;

    /// The first `size` bytes of what `owner` lends, to be unmapped by the caller: only that side
    /// may write. Throws what the system says.
    std::span<std::byte> map_lent(side owner, std::uint64_t size) const;
    /// The owner's part: makes sure that these bytes of its range have pages. Throws what the
    /// system says.
    void commit_lent(std::uint64_t offset, std::uint64_t size);
    /// How many loans of that slot of `owner` the other side has given back.
    std::atomic<std::uint32_t>& given_back(side owner, std::uint32_t slot) const noexcept;

    /// Shows the other side where this one runs. True if the other one was last seen on that CPU.
    bool shares_cpu() noexcept;
    void close() noexcept;
    /// The other side will not come, or does not matter any more: the memory goes back now.
    void discard() noexcept;

private:
    struct shared_page;

    void swap(shared_rings& other) noexcept;
    std::byte* map_twice(std::uint64_t offset) const;
    std::uint64_t offset_of_lent(side owner) const noexcept;
    void unmap() noexcept;

    std::shared_ptr<shm_arena> arena_;
    std::uint64_t offset_ = 0;
    std::size_t size_ = 0;
    std::uint64_t lent_size_ = 0;
    std::uint64_t committed_ = 0;  ///< of its own range
    side mine_ = side::server;
    std::uint32_t cpu_ = 0;  ///< as shown, counted from 1
    shared_page* page_ = nullptr;
    std::byte* up_ = nullptr;    ///< from the app to the server
    std::byte* down_ = nullptr;  ///< from the server to the app
};

}  // namespace remora::detail
