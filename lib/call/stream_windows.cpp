// SPDX-License-Identifier: MIT
#include <remora/detail/call/stream_windows.hpp>

#include "wire/control_records.hpp"

#include <remora/detail/call/pipe_end.hpp>
#include <remora/detail/call/stream_flow.hpp>

#include <algorithm>

namespace remora::detail {

std::int64_t stream_windows::first() const noexcept {
    return end_.has_agreed(wire::small_streams) ? first_window : stream_window;
}

std::int64_t stream_windows::grow(std::int64_t bytes) noexcept {
    const auto granted = std::min(bytes, stream_growth - grown_);
    grown_ += granted;
    return granted;
}

void stream_windows::give_credit(std::uint64_t id, bool own, std::uint64_t bytes) noexcept try {
    if (!end_.can_send()) return;
    const auto flags = own ? frame_header::of_sender : std::uint8_t{0};
    batch_.send_number(frame_kind::credit, id, flags, bytes);
} catch (const std::exception&) {  // no memory for a frame: the stream could not go on
    state_.end_out_of_memory();
}

}  // namespace remora::detail
