// SPDX-License-Identifier: MIT
/// Sending and receiving on the control pipe.
#pragma once

#include "wire/control_records.hpp"

#include <remora/detail/pipe/pipe_state.hpp>

#include <cstdint>
#include <memory>

namespace remora::detail {

/// Queues a control frame and writes what there is room for.
template <class T>
void send_frame(pipe_state& control, frame_kind kind, std::uint64_t id, std::uint64_t tag,
                const T& value) {
    control.flush(control.put(kind, id, tag, 0, [&](byte_buffer& to) { encode(to, value); }));
}
void send_frame(pipe_state& control, frame_kind kind, std::uint64_t id = 0);

/// Waits for the next frame; null after a clean end. The frame stays until popped.
asio::awaitable<const frame*> await_frame(std::shared_ptr<pipe_state> control, deadline until);

}  // namespace remora::detail
