// SPDX-License-Identifier: MIT
#include "transport/shm_arena.hpp"

#include <remora/error.hpp>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <string>
#include <utility>

namespace remora::detail {
namespace {

// Address space costs nothing; no place is used twice, since a side that is slow to leave may still
// write to the old one.
constexpr std::uint64_t arena_size = std::uint64_t{1} << 52;
constexpr int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
// How many connections an app may have left open that the server has closed.
constexpr std::size_t most_left = 1024;
// What is left to the rest of the process.
constexpr std::uint64_t spared = 1u << 20;

// A file beyond the limit would be answered with SIGXFSZ.
void check_file_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < arena_size) {
        throw_system_error(EFBIG,
                           "shared memory: RLIMIT_FSIZE is " + std::to_string(limit.rlim_cur));
    }
}

unique_fd make_memfd() {
#ifdef MFD_NOEXEC_SEAL
    unique_fd fd(::memfd_create("remora", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL));
    if (fd || errno != EINVAL) return fd;
#endif
    return unique_fd(::memfd_create("remora", MFD_CLOEXEC | MFD_ALLOW_SEALING));
}

bool is_same_file(int fd, const arena_address& address) {
    struct stat info{};
    return ::fstat(fd, &info) == 0 && info.st_dev == address.device && info.st_ino == address.inode;
}

// -1 has all bits set.
bool is_sealed(int fd) {
    const int has = ::fcntl(fd, F_GET_SEALS);
    return has >= 0 && (has & seals) == seals;
}

// A page, two rings, and two ranges of what is lent.
std::uint64_t size_of_place(std::size_t ring, std::uint64_t lent_size) {
    return page_size() + 2 * ring + 2 * lent_size;
}

std::uint64_t size_of(int fd) {
    struct stat info{};
    return ::fstat(fd, &info) == 0 ? static_cast<std::uint64_t>(info.st_size) : 0;
}

}  // namespace

std::shared_ptr<shm_arena> shm_arena::make() {
    check_file_limit();
    unique_fd fd = make_memfd();
    if (!fd) throw_system_error(errno, "shared memory: memfd_create");
    if (::ftruncate(fd.get(), static_cast<off_t>(arena_size)) != 0)
        throw_system_error(errno, "shared memory: ftruncate");
    if (::fcntl(fd.get(), F_ADD_SEALS, seals) != 0)
        throw_system_error(errno, "shared memory: F_ADD_SEALS");
    return std::make_shared<shm_arena>(std::move(fd));
}

std::shared_ptr<shm_arena> shm_arena::find(const arena_address& address, int pid) {
    unique_fd fd;
    if (address.fd > 2 && is_same_file(address.fd, address) && is_sealed(address.fd)) {
        fd.reset(address.fd);
        ::fcntl(fd.get(), F_SETFD, FD_CLOEXEC);
    } else {
        const std::string path =
            "/proc/" + std::to_string(pid) + "/fd/" + std::to_string(address.server_fd);
        fd.reset(::open(path.c_str(), O_RDWR | O_CLOEXEC));
        if (!fd) throw_system_error(errno, "shared memory: not inherited, and opening " + path);
        if (!is_same_file(fd.get(), address))
            throw_system_error(ENOENT, "shared memory: another file at " + path);
        if (!is_sealed(fd.get())) throw_system_error(EPERM, "shared memory: it is not sealed");
    }
    return std::make_shared<shm_arena>(std::move(fd));
}

shm_arena::shm_arena(unique_fd fd) : fd_(std::move(fd)), size_(size_of(fd_.get())) {
}

bool shm_arena::has_place(std::uint64_t offset, std::size_t ring,
                          std::uint64_t lent_size) const noexcept {
    return offset % page_size() == 0 && offset <= size_ &&
           size_ - offset >= size_of_place(ring, lent_size);
}

arena_address shm_arena::address(int fd) const {
    struct stat info{};
    if (::fstat(fd_.get(), &info) != 0) throw_system_error(errno, "shared memory: fstat");
    return {fd, fd_.get(), info.st_dev, info.st_ino};
}

std::uint64_t shm_arena::allocate(std::size_t ring, std::uint64_t lent_size, std::uint64_t free) {
    const std::lock_guard lock(mutex_);
    forget_punched();
    if (left_by_server_.size() >= most_left)
        throw_system_error(ENOMEM,
                           "shared memory: the app does not leave what the server has closed");
    if (size_ - next_ < size_of_place(ring, lent_size))
        throw_system_error(ENOMEM, "shared memory: the arena is used up");
    commit(next_, size_of_place(ring, 0), free);
    return std::exchange(next_, next_ + size_of_place(ring, lent_size));
}

// SIGBUS is what would come of pages that are promised only.
void shm_arena::commit(std::uint64_t offset, std::uint64_t size, std::uint64_t free) {
    if (free < size + spared) {
        throw_system_error(ENOMEM, "shared memory: " + std::to_string(size) +
                                       " bytes, and the control group has room for " +
                                       std::to_string(free));
    }
    int result = 0;
    do {
        result = ::fallocate(fd_.get(), FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                             static_cast<off_t>(size));
    } while (result != 0 && errno == EINTR);
    if (result != 0)
        throw_system_error(errno, "shared memory: fallocate of " + std::to_string(size) + " bytes");
}

void shm_arena::punch(std::uint64_t offset, std::size_t ring, std::uint64_t lent_size) noexcept {
    punch({offset, offset + size_of_place(ring, lent_size), 0});
}

void shm_arena::punch(const range& r) noexcept {
    ::fallocate(fd_.get(), FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, static_cast<off_t>(r.begin),
                static_cast<off_t>(r.end - r.begin));
}

void shm_arena::note_server_left(std::uint64_t offset, std::size_t ring, std::uint64_t lent_size,
                                 std::uint64_t kept) noexcept try {
    const std::lock_guard lock(mutex_);
    const range r{offset, offset + size_of_place(ring, lent_size), kept};
    if (app_ended_) return punch(r);
    left_by_server_.push_back(r);
} catch (const std::exception&) {  // not counted, then
}

std::uint64_t shm_arena::kept() {
    const std::lock_guard lock(mutex_);
    forget_punched();
    std::uint64_t sum = 0;
    for (const range& r : left_by_server_)
        sum += r.kept;
    return sum;
}

void shm_arena::app_ended() noexcept {
    const std::lock_guard lock(mutex_);
    app_ended_ = true;
    for (const range& r : left_by_server_)
        punch(r);
    left_by_server_.clear();
}

void shm_arena::forget_punched() {
    std::erase_if(left_by_server_, [this](const range& r) { return !has_pages(r); });
}

bool shm_arena::has_pages(const range& r) const noexcept {
    const off_t at = ::lseek(fd_.get(), static_cast<off_t>(r.begin), SEEK_DATA);
    return at >= 0 && static_cast<std::uint64_t>(at) < r.end;
}

std::size_t page_size() noexcept {
    static const auto size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    return size;
}

void check_ring(std::size_t size) {
    if (std::has_single_bit(size) && size >= page_size() && size <= largest_ring) return;
    throw_error(errc::bad_option,
                "a ring of " + std::to_string(size) + " bytes: it has to be a power of two from " +
                    std::to_string(page_size()) + " to " + std::to_string(largest_ring));
}

}  // namespace remora::detail
