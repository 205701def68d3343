// SPDX-License-Identifier: MIT
/// The shared memory of a run.
#pragma once

#include "base/control_groups.hpp"
#include "base/unique_fd.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace remora::detail {

/// What leads an app to its server's arena.
struct arena_address {
    int fd = -1;         ///< its number in the app
    int server_fd = -1;  ///< and in the server
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
};

/// Where the rings of a run's connections lie: one memfd of a size that nobody can change, without
/// pages at first. Any thread may use it.
class shm_arena {
public:
    /// Throws what the system says.
    static std::shared_ptr<shm_arena> make();
    /// The arena of the server `pid`, inherited or else through /proc. Throws what the system says.
    static std::shared_ptr<shm_arena> find(const arena_address& address, int pid);

    explicit shm_arena(unique_fd fd);

    /// True if two rings, and two ranges of what is lent, of these sizes can lie there.
    bool has_place(std::uint64_t offset, std::size_t ring,
                   std::uint64_t lent_size = 0) const noexcept;
    int fd() const noexcept { return fd_.get(); }
    /// For an app that inherits it as `fd`.
    arena_address address(int fd) const;

    /// The server's part: commits memory for one connection with two rings of `ring` bytes each,
    /// and returns its place, with room for two ranges of `lent_size` bytes. Throws what the system
    /// says; ENOMEM if the process can allocate hardly more than `free` bytes, since beyond them
    /// the kernel would kill it.
    std::uint64_t allocate(std::size_t ring, std::uint64_t lent_size = 0,
                           std::uint64_t free = control_groups::own().free_memory());
    /// Makes sure that there are pages. Throws as allocate() does.
    void commit(std::uint64_t offset, std::uint64_t size, std::uint64_t free);
    /// Both sides have left: gives the pages back to the system.
    void punch(std::uint64_t offset, std::size_t ring, std::uint64_t lent_size = 0) noexcept;
    /// The server has left the place of a connection and the app has not: that may go on using
    /// `kept` bytes which the server has lent.
    void note_server_left(std::uint64_t offset, std::size_t ring, std::uint64_t lent_size = 0,
                          std::uint64_t kept = 0) noexcept;
    /// How many bytes of what the server has lent the app keeps of connections that have ended.
    std::uint64_t kept();
    /// The app has ended: what it has not left goes back, and whatever this side leaves later.
    void app_ended() noexcept;

private:
    struct range {
        std::uint64_t begin, end;
        std::uint64_t kept;  ///< bytes of what the server has lent
    };
    bool has_pages(const range& r) const noexcept;
    void forget_punched();
    void punch(const range& r) noexcept;

    unique_fd fd_;
    std::uint64_t size_;
    std::mutex mutex_;
    std::uint64_t next_ = 0;
    std::vector<range> left_by_server_;  ///< places that the server has left and the app has not
    bool app_ended_ = false;
};

/// The size of a page of memory. Places in an arena begin with a page, and no ring is smaller than
/// one. The sizes of rings are powers of two.
std::size_t page_size() noexcept;
inline constexpr std::size_t largest_ring = std::size_t{1} << 30;
/// The most bytes of the range from which one side of a connection lends.
inline constexpr std::uint64_t most_lent = std::uint64_t{1} << 40;
/// Throws bad_option for a size that no ring can have.
void check_ring(std::size_t size);

}  // namespace remora::detail
