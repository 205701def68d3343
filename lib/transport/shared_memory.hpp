// SPDX-License-Identifier: MIT
/// The transport over two rings in shared memory, and the memory that they lie in.
#pragma once

#include "base/unique_fd.hpp"
#include "polling/control_groups.hpp"
#include "transport/fifo.hpp"
#include "transport/ring.hpp"
#include "transport/transport.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

namespace remora::detail {

/// Which end of a connection a process is.
enum class side { server, app };

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

    /// True if two rings of that size can lie there.
    bool has_place(std::uint64_t offset, std::size_t ring) const noexcept;
    int fd() const noexcept { return fd_.get(); }
    /// For an app that inherits it as `fd`.
    arena_address address(int fd) const;

    /// The server's part: commits memory for one connection with two rings of `ring` bytes each,
    /// and returns its place. Throws what the system says; ENOMEM if the process can allocate
    /// hardly more than `free` bytes, since beyond them the kernel would kill it.
    std::uint64_t take(std::size_t ring, std::uint64_t free = control_groups::own().free_memory());
    /// Both sides have left: the pages go back.
    void punch(std::uint64_t offset, std::size_t ring) noexcept;
    /// The server has left and the app has not.
    void note_left(std::uint64_t offset, std::size_t ring) noexcept;

private:
    struct range {
        std::uint64_t begin, end;
    };
    bool has_pages(const range& r) const noexcept;

    unique_fd fd_;
    std::uint64_t size_;
    std::mutex mutex_;
    std::uint64_t next_ = 0;
    std::vector<range> left_;  ///< by the server, before the app
};

/// Of the memory: places in an arena begin with a page, and no ring is smaller. The sizes of rings
/// are powers of two.
std::size_t page_size() noexcept;
inline constexpr std::size_t largest_ring = std::size_t{1} << 30;
/// Throws bad_option for a size that no ring can have.
void check_ring(std::size_t size);

/// The rings of one connection as one process sees them. Leaving them, by close() or destruction,
/// gives the memory back once both sides have left.
class shared_rings {
public:
    shared_rings() = default;
    /// Maps them. Throws what the system says, and protocol_error for a place that is none.
    shared_rings(std::shared_ptr<shm_arena> arena, std::uint64_t offset, std::size_t size,
                 side mine);
    shared_rings(shared_rings&& other) noexcept { swap(other); }
    shared_rings& operator=(shared_rings&& other) noexcept {
        shared_rings(std::move(other)).swap(*this);
        return *this;
    }
    ~shared_rings() { close(); }

    explicit operator bool() const noexcept { return page_ != nullptr; }
    std::uint64_t offset() const noexcept { return offset_; }
    std::size_t size() const noexcept { return size_; }

    /// The first page: what both sides see of the rings, `up` first, and of each other.
    void* page() const noexcept { return page_; }
    ring_reader reader() const noexcept;
    ring_writer writer() const noexcept;
    /// Shows the other side where this one runs. True if the other one was last seen on that CPU.
    bool shares_cpu() noexcept;
    void close() noexcept;
    /// The other side will not come, or is of no account: the memory goes back now.
    void discard() noexcept;

private:
    struct shared_page;

    void swap(shared_rings& other) noexcept;
    std::byte* map_twice(std::uint64_t offset) const;
    void unmap() noexcept;

    std::shared_ptr<shm_arena> arena_;
    std::uint64_t offset_ = 0;
    std::size_t size_ = 0;
    side mine_ = side::server;
    std::uint32_t cpu_ = 0;  ///< as shown, counted from 1
    shared_page* page_ = nullptr;
    std::byte* up_ = nullptr;    ///< from the app to the server
    std::byte* down_ = nullptr;  ///< from the server to the app
};

/// What a connection stands on: a pair of FIFOs, and rings if these only wake sleepers.
struct connection_ends {
    fifo_ends fifo;
    shared_rings rings = {};
};

std::unique_ptr<transport> make_transport(const asio::any_io_executor& executor,
                                          connection_ends ends);

}  // namespace remora::detail
