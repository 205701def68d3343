// SPDX-License-Identifier: MIT
#include "pipe/control_pipe.hpp"

namespace remora::detail {

void send_frame(pipe_state& control, frame_kind kind, std::uint64_t id) {
    control.flush(control.put(kind, id, 0, 0, [](byte_buffer&) {}));
}

asio::awaitable<const frame*> await_frame(std::shared_ptr<pipe_state> control, deadline until) {
    const pipe_state::receiving guard(*control);
    for (;;) {
        if (control->must_yield_after()) co_await control->yield();
        if (const frame* f = control->peek_frame()) co_return f;
        if (control->at_end()) co_return nullptr;
        co_await control->wait_message(until);
    }
}

}  // namespace remora::detail
