// SPDX-License-Identifier: MIT
// Bytes decoded as a value of everything that there is: an error of decoding or a value, which
// encodes and decodes again; never more memory than the budget has.
#include "fuzz.hpp"
#include "kitchen_sink.hpp"

#include <remora/error.hpp>

#include <sanitizer/allocator_interface.h>

namespace {

using namespace fuzz;
using remora::errc;

std::ptrdiff_t in_use = 0, peak = 0;

void count_malloc(const volatile void*, std::size_t size) {
    in_use += static_cast<std::ptrdiff_t>(size);
    peak = std::max(peak, in_use);
}
void count_free(const volatile void* at) {
    if (at == nullptr) return;
    in_use -=
        static_cast<std::ptrdiff_t>(__sanitizer_get_allocated_size(const_cast<const void*>(at)));
}

bool is_decoding_error(const std::error_code& c) {
    return c == errc::field_mismatch || c == errc::truncated || c == errc::bad_value ||
           c == errc::over_budget || c == errc::too_deep;
}

constexpr std::size_t budget = 256 << 10;
// A container that grows has both its old and its new elements for a moment.
constexpr auto most = static_cast<std::ptrdiff_t>(3 * budget);

template <class T>
void there_and_back(std::span<const std::byte> bytes) {
    T value{};
    in_use = peak = 0;
    try {
        remora::decode(bytes, value, {.memory = budget, .depth = 32});
    } catch (const remora::error& e) {
        must(is_decoding_error(e.code()), "an error of decoding");
        must(peak <= std::max(most, 12 * static_cast<std::ptrdiff_t>(bytes.size())), "the budget");
        return;
    }
    must(peak <= std::max(most, 12 * static_cast<std::ptrdiff_t>(bytes.size())), "the budget");
    remora::byte_buffer once, twice;
    remora::encode(once, value);
    T again{};
    remora::decode({once.data(), once.size()}, again, {.memory = std::size_t{1} << 30});
    remora::encode(twice, again);
    must(once.size() == twice.size(), "the same size again");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    [[maybe_unused]] static const int installed =
        __sanitizer_install_malloc_and_free_hooks(count_malloc, count_free);
    const clocked time;
    input in(data, size);
    switch (in.take() % 4) {
        case 0:
            there_and_back<kitchen_sink>(in.take_rest());
            break;
        case 1:
            there_and_back<tree>(in.take_rest());
            break;
        case 2:
            there_and_back<std::vector<heavy>>(in.take_rest());
            break;
        default:
            there_and_back<std::map<std::string, std::vector<shape>>>(in.take_rest());
    }
    return 0;
}
