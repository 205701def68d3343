// SPDX-License-Identifier: MIT
// The floor of the shared_memory transport: two processes that spin on two rings of bytes.
#include "two_processes.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>

namespace {

constexpr std::size_t cache_line = 64;
constexpr std::size_t piece = 64 * 1024;  // published at once, so that both ends copy together

void relax() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

/// The counts of bytes that ever went in and out. The bytes follow it.
struct ring {
    alignas(cache_line) std::atomic<std::uint64_t> written{0};
    alignas(cache_line) std::atomic<std::uint64_t> taken{0};

    char* data() { return reinterpret_cast<char*>(this + 1); }

    static ring& create(std::size_t size) {
        void* memory = ::mmap(nullptr, sizeof(ring) + size, PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
        bench::checked(memory == MAP_FAILED ? -1 : 0, "mmap");
        return *new (memory) ring;
    }
};

/// One end of two rings. Keeps what it last saw of the other end: a look there is a cache miss.
class ring_link {
public:
    /// `size`: of each ring, a power of two.
    ring_link(ring& in, ring& out, std::size_t size) : in_(in), out_(out), size_(size) {}

    void send(const char* data, std::size_t size) {
        while (size != 0) {
            const std::size_t count = std::min({size, wait_for_space(), piece});
            const std::size_t at = written_ & (size_ - 1);
            const std::size_t first = std::min(count, size_ - at);
            std::memcpy(out_.data() + at, data, first);
            std::memcpy(out_.data(), data + first, count - first);
            written_ += count;
            out_.written.store(written_, std::memory_order_release);
            data += count;
            size -= count;
        }
    }
    void receive(char* data, std::size_t size) {
        while (size != 0) {
            const std::size_t count = receive_some(data, size);
            data += count;
            size -= count;
        }
    }
    std::size_t receive_some(char* data, std::size_t size) {
        const std::size_t count = std::min({size, wait_for_data(), piece});
        const std::size_t at = taken_ & (size_ - 1);
        const std::size_t first = std::min(count, size_ - at);
        std::memcpy(data, in_.data() + at, first);
        std::memcpy(data + first, in_.data(), count - first);
        taken_ += count;
        in_.taken.store(taken_, std::memory_order_release);
        return count;
    }

private:
    std::size_t wait_for_space() {
        while (written_ - seen_taken_ == size_) {
            seen_taken_ = out_.taken.load(std::memory_order_acquire);
            if (written_ - seen_taken_ == size_) relax();
        }
        return size_ - (written_ - seen_taken_);
    }
    std::size_t wait_for_data() {
        while (seen_written_ == taken_) {
            seen_written_ = in_.written.load(std::memory_order_acquire);
            if (seen_written_ == taken_) relax();
        }
        return seen_written_ - taken_;
    }

    ring& in_;
    ring& out_;
    std::size_t size_;
    std::uint64_t written_ = 0, taken_ = 0, seen_written_ = 0, seen_taken_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{"The floor of the shared_memory transport: bare rings"};
    bench::slice_options slice;
    slice.add_to(app);
    CLI11_PARSE(app, argc, argv);

    const std::size_t size = slice.pattern == "bulk" ? 4 << 20 : 1 << 18;
    ring& questions = ring::create(size);
    ring& answers = ring::create(size);
    ring_link here{answers, questions, size};
    ring_link there{questions, answers, size};
    bench::measure(slice, here, there);
}
