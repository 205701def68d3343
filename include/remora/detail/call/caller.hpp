// SPDX-License-Identifier: MIT
/// The calls that one end of a pipe makes. Not for users.
#pragma once

#include <remora/call.hpp>
#include <remora/detail/call/call_table.hpp>
#include <remora/detail/call/calls_shared.hpp>
#include <remora/detail/call/pending_call.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <string_view>
#include <unordered_map>

namespace remora::detail {

struct outgoing_stream;

/// How long a call may take.
struct call_limit {
    deadline until = deadline::max();
    std::chrono::nanoseconds time = std::chrono::nanoseconds::max();  ///< when it began
};

/// What this end has asked the other one, and what comes back: answers, items, credit for uploads.
///
/// To call: wait for a turn if may_call() says no, begin(), queue the request.
///
/// It has a few functions more than others: a call has many ways to end, and each of them ends its
/// upload and gives its place in the window to the next.
class caller {
public:
    explicit caller(calls_shared& shared);
    ~caller();

    /// That of `end`. Starts the reader, if there was none: throws receive_in_progress if somebody
    /// else receives.
    static caller& of(const end_ptr& end);

    bool may_call() const noexcept;
    /// Fails as the call does. Afterwards a call may begin, if nothing was awaited in between.
    asio::awaitable<void> wait_turn(call_limit limit, std::string_view request);
    std::uint64_t begin(pending_call& call, call_limit limit);
    /// Queues how long the call waits, whose request comes next and leaves together with it.
    pipe_state::position put_time_left(std::uint64_t id, deadline until);
    /// The flags of the request of a call.
    std::uint8_t request_flags(bool is_idempotent) const noexcept;
    /// The request could not be sent.
    void withdraw(std::uint64_t id);
    /// From now on `call` waits for the answer, in the place of another one that waited.
    void replace(std::uint64_t id, pending_call& call) noexcept { table_.replace(id, call); }
    /// Somebody waits for the answer to this call.
    bool is_awaited(std::uint64_t id) const {
        return table_.find(id).what == call_table::verdict::expected;
    }
    /// What a call fails with that begins without any time left.
    static remote_error no_time_left(const pipe_end& end, std::string_view request);

    /// Nobody waits for this call any more: tells the other side to cancel it.
    void abandon(std::uint64_t id) noexcept;
    /// The coroutine of the call was cancelled: the same, and the call fails. The caller is not
    /// resumed.
    void cancel(std::uint64_t id) noexcept;
    /// The same as abandon, and the call fails.
    void fail(std::uint64_t id, std::exception_ptr why) noexcept;

    std::shared_ptr<outgoing_stream> begin_upload(std::uint64_t id);
    // The upload of a stream, which ends after it: the reader waits for all of them.
    void begin_stream_upload() noexcept { ++stream_uploads_; }
    void end_stream_upload() noexcept;
    asio::awaitable<void> wait_stream_uploads();

    // What has arrived.
    /// The last frame of a call.
    void on_answer(const frame& f);
    void on_item(const frame& f);
    void on_credit(const frame& f);
    /// The other end lets so many calls be unanswered.
    void set_window(std::uint64_t calls);
    /// The conversation is over: all calls fail.
    void end();

    std::size_t calls() const noexcept { return table_.size(); }
    std::uint64_t dropped() const noexcept { return dropped_; }
    /// Calls whose request was queued.
    std::uint64_t made() const noexcept { return table_.begun() - withdrawn_; }
    /// Those of them that have ended without a good answer.
    std::uint64_t failed() const noexcept { return failed_; }

private:
    struct turn_guard;

    void check_calling(std::string_view request) const;
    void grant_turns();
    bool has_reserve() const noexcept;
    void end_upload(std::uint64_t id) noexcept;
    void arm(deadline until) noexcept;
    void expire();

    calls_shared& shared_;
    pipe_end& end_;
    call_table table_;
    wait_queue turns_;  ///< who was given one counts as a call until it has begun or has failed
    asio::steady_timer timer_;
    deadline armed_ = deadline::max();
    std::unordered_map<std::uint64_t, std::shared_ptr<outgoing_stream>> uploads_;
    std::size_t stream_uploads_ = 0;
    wait_queue awaiting_uploads_;
    std::uint64_t dropped_ = 0;    ///< answers to calls that were never made
    std::uint64_t withdrawn_ = 0;  ///< calls that were begun and not sent
    std::uint64_t failed_ = 0;
};

}  // namespace remora::detail
