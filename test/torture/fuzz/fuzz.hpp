// SPDX-License-Identifier: MIT
/// What the fuzz targets share: an input taken apart, what must hold, and what an input costs.
#pragma once

#include <time.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>

namespace fuzz {

/// Ends the target, and with it the input is a finding.
inline void must(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "this must hold: %s\n", what);
    std::abort();
}

/// Bytes of an input, from the front. Behind the end there are zeros.
class input {
public:
    input(const std::uint8_t* data, std::size_t size) : rest_(data, size) {}

    bool empty() const noexcept { return rest_.empty(); }
    template <class T = std::uint8_t>
    T take() {
        T value{};
        const auto from = take_bytes(sizeof value);
        std::memcpy(&value, from.data(), from.size());
        return value;
    }
    std::span<const std::byte> take_bytes(std::size_t count) {
        const auto taken = rest_.first(std::min(count, rest_.size()));
        rest_ = rest_.subspan(taken.size());
        return std::as_bytes(taken);
    }
    std::string take_text(std::size_t count) {
        const auto taken = take_bytes(count);
        return {reinterpret_cast<const char*>(taken.data()), taken.size()};
    }
    std::span<const std::byte> take_rest() { return take_bytes(rest_.size()); }

private:
    std::span<const std::uint8_t> rest_;
};

/// Measures the CPU time of each input, and prints that of the slowest at the end.
class clocked {
public:
    clocked() : begin_(now()) {}
    clocked(const clocked&) = delete;
    clocked& operator=(const clocked&) = delete;
    ~clocked() {
        [[maybe_unused]] static const int registered =
            std::atexit([] { std::fprintf(stderr, "slowest_input_us: %lld\n", slowest() / 1000); });
        slowest() = std::max(slowest(), now() - begin_);
    }

private:
    static long long now() {
        timespec t{};
        ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
        return t.tv_sec * 1'000'000'000LL + t.tv_nsec;
    }
    static long long& slowest() {
        static long long ns = 0;
        return ns;
    }
    long long begin_;
};

}  // namespace fuzz
