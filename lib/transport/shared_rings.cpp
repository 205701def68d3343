// SPDX-License-Identifier: MIT
#include "transport/shared_rings.hpp"

#include <remora/detail/wire/frame.hpp>
#include <remora/error.hpp>

#include <sched.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <string>

namespace remora::detail {

// The first page of a connection's place; its two rings follow, `up` first. The memory is zero at
// first, which is a valid state of all that is in it.
struct shared_rings::shared_page {
    ring_indices up;
    ring_indices down;
    alignas(128) std::atomic<std::uint32_t> left;  ///< bits: 1, the app has; 2, the server has
    // The CPU that each side waits on, counted from 1; 0: not known.
    alignas(128) std::atomic<std::uint32_t> app_cpu;
    alignas(128) std::atomic<std::uint32_t> server_cpu;
    express_line up_express;
    express_line down_express;
    // Of the slots of each side: loans given back by the other.
    alignas(1024) std::array<std::atomic<std::uint32_t>, most_loans> app_given_back;
    alignas(1024) std::array<std::atomic<std::uint32_t>, most_loans> server_given_back;
};

shared_rings::shared_rings(std::shared_ptr<shm_arena> arena, std::uint64_t offset, std::size_t size,
                           side mine, std::uint64_t lent_size)
    : arena_(std::move(arena)), offset_(offset), size_(size), lent_size_(lent_size), mine_(mine) {
    static_assert(sizeof(shared_page) == 4096);
    check_ring(size);
    if (lent_size % page_size() != 0 || lent_size > most_lent ||
        !arena_->has_place(offset, size, lent_size))
        throw_error(errc::protocol_error, "rings at " + std::to_string(offset));
    try {
        void* const page = ::mmap(nullptr, page_size(), PROT_READ | PROT_WRITE, MAP_SHARED,
                                  arena_->fd(), static_cast<off_t>(offset));
        if (page == MAP_FAILED) throw_system_error(errno, "shared memory: mmap");
        page_ = static_cast<shared_page*>(page);
        up_ = map_twice(offset + page_size());
        down_ = map_twice(offset + page_size() + size);
    } catch (...) {
        unmap();
        throw;
    }
}

// The same pages twice in a row, so that what wraps round is in one piece all the same.
std::byte* shared_rings::map_twice(std::uint64_t offset) const {
    void* const place = ::mmap(nullptr, 2 * size_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (place == MAP_FAILED) throw_system_error(errno, "shared memory: mmap");
    auto* const data = static_cast<std::byte*>(place);
    for (std::byte* const at : {data, data + size_}) {
        if (::mmap(at, size_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, arena_->fd(),
                   static_cast<off_t>(offset)) == MAP_FAILED) {
            const int error_number = errno;
            ::munmap(data, 2 * size_);
            throw_system_error(error_number, "shared memory: mmap");
        }
    }
    return data;
}

void shared_rings::unmap() noexcept {
    if (up_ != nullptr) ::munmap(up_, 2 * size_);
    if (down_ != nullptr) ::munmap(down_, 2 * size_);
    if (page_ != nullptr) ::munmap(page_, page_size());
    up_ = down_ = nullptr;
    page_ = nullptr;
}

std::uint64_t shared_rings::offset_of_lent(side owner) const noexcept {
    return offset_ + page_size() + 2 * size_ + (owner == side::server ? lent_size_ : 0);
}

std::span<std::byte> shared_rings::map_lent(side owner, std::uint64_t size) const {
    const int access = owner == mine_ ? PROT_READ | PROT_WRITE : PROT_READ;
    void* const at = ::mmap(nullptr, size, access, MAP_SHARED, arena_->fd(),
                            static_cast<off_t>(offset_of_lent(owner)));
    if (at == MAP_FAILED) throw_system_error(errno, "shared memory: mmap of what is lent");
    return {static_cast<std::byte*>(at), size};
}

void shared_rings::commit_lent(std::uint64_t offset, std::uint64_t size) {
    arena_->commit(offset_of_lent(mine_) + offset, size, control_groups::own().free_memory());
    committed_ = std::min(committed_ + size, lent_size_);  // some of it may have been there
}

std::atomic<std::uint32_t>& shared_rings::given_back(side owner,
                                                     std::uint32_t slot) const noexcept {
    return owner == side::server ? page_->server_given_back[slot] : page_->app_given_back[slot];
}

bool shared_rings::shares_cpu() noexcept {
    const auto cpu = static_cast<std::uint32_t>(::sched_getcpu() + 1);
    const bool server = mine_ == side::server;
    if (cpu != cpu_) {
        cpu_ = cpu;
        (server ? page_->server_cpu : page_->app_cpu).store(cpu, std::memory_order_relaxed);
    }
    return (server ? page_->app_cpu : page_->server_cpu).load(std::memory_order_relaxed) == cpu;
}

void shared_rings::close() noexcept {
    if (page_ == nullptr) return;
    const bool server = mine_ == side::server;
    const bool is_last = page_->left.fetch_or(server ? 2 : 1) != 0;
    unmap();
    if (is_last) {
        arena_->punch(offset_, size_, lent_size_);
    } else if (server) {
        arena_->note_server_left(offset_, size_, lent_size_, committed_);
    }
    arena_.reset();
}

void shared_rings::discard() noexcept {
    if (page_ == nullptr) return;
    unmap();
    arena_->punch(offset_, size_, lent_size_);
    arena_.reset();
}

ring_reader shared_rings::reader() const noexcept {
    return mine_ == side::server ? ring_reader(page_->up, page_->up_express, up_, size_)
                                 : ring_reader(page_->down, page_->down_express, down_, size_);
}

ring_writer shared_rings::writer() const noexcept {
    return mine_ == side::server ? ring_writer(page_->down, page_->down_express, down_, size_)
                                 : ring_writer(page_->up, page_->up_express, up_, size_);
}

void shared_rings::swap(shared_rings& other) noexcept {
    std::swap(arena_, other.arena_);
    std::swap(offset_, other.offset_);
    std::swap(size_, other.size_);
    std::swap(lent_size_, other.lent_size_);
    std::swap(committed_, other.committed_);
    std::swap(mine_, other.mine_);
    std::swap(cpu_, other.cpu_);
    std::swap(page_, other.page_);
    std::swap(up_, other.up_);
    std::swap(down_, other.down_);
}

}  // namespace remora::detail
