// SPDX-License-Identifier: MIT
/// The interface of a call that waits for its answer. Not for users.
#pragma once

#include <exception>
#include <string_view>

namespace remora::detail {

struct frame;
class pipe_end;

/// A call that the call_table knows: awaited by a coroutine, or answered with a stream. Owned by
/// that coroutine or stream.
class pending_call {
public:
    /// A frame of the call: reply, item, or the end of a stream. What is wrong with a value is the
    /// call's failure; throws what is wrong with the conversation.
    virtual void on_frame(pipe_end& end, const frame& f) = 0;
    virtual void fail(std::exception_ptr why) noexcept = 0;
    /// Lets the coroutine go on that waits, after one of the two.
    virtual void wake() = 0;
    virtual std::string_view request_name() const noexcept = 0;
    /// What has not come when its time has passed, as the error says it.
    virtual const char* awaited_end() const noexcept { return "reply"; }

protected:
    ~pending_call() = default;
};

}  // namespace remora::detail
