// SPDX-License-Identifier: MIT
/// Where handlers that are coroutines run. Not for users.
#pragma once

#include <remora/detail/call/call_executor.hpp>
#include <remora/detail/polling/wake_event.hpp>

#include <cstdint>
#include <memory>

namespace remora::detail {

class incoming_stream;
struct outgoing_stream;
struct possible_upload;

/// The streams of a call that is served.
struct served_streams {
    std::weak_ptr<incoming_stream> upload;  ///< weak: the handler owns it, and it owns the pipe
    std::shared_ptr<outgoing_stream> items;
    possible_upload* possible = nullptr;  ///< null: an upload is known from the start, or is none
};

/// A coroutine that runs handlers, one after another.
struct worker {
    worker(wake_event_list& all, const asio::any_io_executor& of_pipe)
        : next_work(all), serves(std::make_shared<call_context>(of_pipe)) {}

    std::uint64_t id = 0;  ///< of the call, or message, that it serves
    bool is_message = false;
    bool is_cancelled = false;      ///< a cancel frame has come
    bool cancelled_at_end = false;  ///< as the conversation is over
    served_streams streams;
    asio::awaitable<void> work;  ///< what to do next
    asio::cancellation_signal cancel;
    wake_event next_work;
    std::shared_ptr<call_context> serves;  ///< the call, for the executor of its coroutine
};

}  // namespace remora::detail
