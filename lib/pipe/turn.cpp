// SPDX-License-Identifier: MIT
#include <remora/detail/pipe/turn.hpp>

namespace remora::detail {

void turn::end(clock::time_point now) noexcept {
    if (operations_ != 0 && begin_ != clock::time_point{})
        operation_ = (now - begin_) / operations_;
    end();
    begin_ = now;
}

// Half of the time that each of the others had: so long turns become short again.
void turn::begin(clock::time_point now, std::chrono::nanoseconds waited,
                 std::size_t others) noexcept {
    end();
    begin_ = now;
    length_ = few;
    if (others == 0 || operation_.count() == 0) return;
    const auto share = waited / (2 * static_cast<std::int64_t>(others));
    length_ = static_cast<unsigned>(std::clamp<std::int64_t>(share / operation_, few, most));
}

}  // namespace remora::detail
