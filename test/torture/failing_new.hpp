// SPDX-License-Identifier: MIT
/// An operator new of which one call fails. For a program of one source file.
#pragma once

#include <dlfcn.h>
#include <execinfo.h>

#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <new>

namespace torture {

inline constinit long allocations = 0;  // so far
inline constinit long failing = -1;     // the number of the one that fails
inline constinit long living = 0;
inline constinit bool spared = false;

/// Whether this is one that Asio 1.22 does not survive.
inline bool is_within_asio() {
    void* frames[64];
    const int count = ::backtrace(frames, 64);
    for (int i = 0; i != count; ++i) {
        Dl_info info{};
        if (::dladdr(frames[i], &info) == 0 || info.dli_sname == nullptr) continue;
        for (const char* name : {"strand_executor_service21create_implementation",
                                 "18signal_set_serviceC", "14schedule_timer"}) {
            if (std::strstr(info.dli_sname, name) != nullptr) return true;
        }
    }
    return false;
}

// Whether this one is the one.
inline bool fails() {
    if (allocations++ != failing) return false;
    failing = -1;
    spared = is_within_asio();
    return !spared;
}

inline void* allocate(std::size_t size) {
    if (fails()) throw std::bad_alloc();
    void* const memory = std::malloc(size == 0 ? 1 : size);
    if (memory == nullptr) throw std::bad_alloc();
    ++living;
    return memory;
}
inline void release(void* memory) noexcept {
    if (memory != nullptr) --living;
    std::free(memory);
}

}  // namespace torture

void* operator new(std::size_t size) {
    return torture::allocate(size);
}
void* operator new(std::size_t size, std::align_val_t alignment) {
    if (torture::fails()) throw std::bad_alloc();
    ++torture::living;
    return std::aligned_alloc(static_cast<std::size_t>(alignment),
                              (size + static_cast<std::size_t>(alignment) - 1) &
                                  ~(static_cast<std::size_t>(alignment) - 1));
}
void operator delete(void* memory) noexcept {
    torture::release(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    torture::release(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
    torture::release(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
    torture::release(memory);
}
