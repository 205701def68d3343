// SPDX-License-Identifier: MIT
/// Whether the conversation over one pipe goes on, and how it has ended. Not for users.
#pragma once

#include <remora/call.hpp>
#include <remora/detail/base/wait_queue.hpp>

#include <exception>
#include <string_view>

namespace remora::detail {

class pipe_end;

/// The state of the conversation over a pipe (see pipe_state) as its calls see it: it goes on, or
/// it has ended, cleanly or for a reason, which is what they fail with. The reader ends it; a
/// handler that throws, or a lack of memory, may do so before.
class calls_state {
public:
    explicit calls_state(pipe_end& end) noexcept : end_(end) {}

    bool is_over() const noexcept { return is_over_; }
    /// It is over. `why` is null after a clean end; it does not count after fail().
    void end(std::exception_ptr why) noexcept;
    /// Ends it because a handler has thrown `why`: the peer is told.
    void fail(std::exception_ptr why) noexcept;
    /// Ends it for want of memory.
    void end_out_of_memory() noexcept;
    /// Throws what has ended it, unless that was a clean end.
    void rethrow() const;

    /// What a call fails with whose answer does not come any more.
    remote_error why_gone(std::string_view request) const;
    std::exception_ptr gone_exception(std::string_view request) const noexcept;
    /// What a call fails with that is cancelled: the end of the conversation, if that came first.
    std::exception_ptr why_cancelled(std::string_view request) const noexcept;

    /// Who waits for the end, and for the last handler.
    wait_queue& awaiting_end() noexcept { return awaiting_end_; }

private:
    pipe_end& end_;
    bool is_over_ = false;
    std::exception_ptr why_;  ///< null: a clean end
    wait_queue awaiting_end_;
};

}  // namespace remora::detail
