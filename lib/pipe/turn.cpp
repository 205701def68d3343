// SPDX-License-Identifier: MIT
#include <remora/detail/pipe/turn.hpp>

namespace remora::detail {

// One operation for every two microseconds of the wait, divided by the number of others: so long
// turns become short again where operations are short.
void turn::begin(std::chrono::nanoseconds waited, std::size_t others) noexcept {
    constexpr std::size_t ns_an_operation = 2000;
    const std::size_t share =
        static_cast<std::size_t>(waited.count()) / std::max<std::size_t>(others, 1);
    length_ = static_cast<unsigned>(std::clamp<std::size_t>(share / ns_an_operation, few, most));
    begin();
}

}  // namespace remora::detail
