// SPDX-License-Identifier: MIT
/// The calls and streams of one end of a pipe, in both directions. Not for users.
#pragma once

#include <remora/call.hpp>
#include <remora/detail/call/call_table.hpp>
#include <remora/detail/call/pipe_end.hpp>
#include <remora/detail/call/serving_executor.hpp>
#include <remora/detail/polling/wake_event.hpp>

#include <array>
#include <cstdint>
#include <exception>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace remora {

namespace detail {

class service_table;
class incoming_stream;
struct outgoing_stream;

/// A call of this end, where it is waited for.
class pending_call {
public:
    /// A frame of the call: reply, item, or the end of a stream. What is wrong with a value is the
    /// call's failure; throws what is wrong with the conversation.
    virtual void take(pipe_end& end, const frame& f) = 0;
    virtual void fail(std::exception_ptr why) noexcept = 0;
    /// Lets the coroutine go on that waits, after one of the two.
    virtual void wake() = 0;
    virtual std::string_view request_name() const noexcept = 0;

protected:
    ~pending_call() = default;
};

/// The streams of a call that is served.
struct served_streams {
    std::weak_ptr<incoming_stream> upload;  ///< which keeps the pipe, and is the handler's
    std::shared_ptr<outgoing_stream> items;
};

/// How long the callers wait whose requests are about to come: the next one, and one whose request
/// comes in pieces meanwhile.
class times_left {
public:
    void note(std::uint64_t id, deadline until) noexcept {
        auto& free = slots_[0].id == 0 ? slots_[0] : slots_[1];
        free = {id, until};
    }
    /// For the request of this call: deadline::max() if nothing was said.
    deadline take(std::uint64_t id) noexcept {
        for (auto& slot : slots_)
            if (slot.id == id) return std::exchange(slot, {}).until;
        return deadline::max();
    }

private:
    struct slot {
        std::uint64_t id = 0;
        deadline until = deadline::max();
    };
    std::array<slot, 2> slots_{};
};

/// A coroutine that runs handlers, one after another.
struct worker {
    worker(wake_events& all, const asio::any_io_executor& of_pipe)
        : idle(all), serves(std::make_shared<serving>(of_pipe)) {}

    std::uint64_t id = 0;       ///< of the call that it serves
    bool is_cancelled = false;  ///< by who has called
    bool is_told = false;       ///< that the conversation is over
    served_streams streams;
    asio::awaitable<void> work;  ///< what to do next
    asio::cancellation_signal cancel;
    asio::any_io_executor busy;  ///< keeps the context at work during a handler
    wake_event idle;
    std::shared_ptr<serving> serves;
};

/// One for each end of a pipe that calls or serves. It is the pipe's receiver; belongs to the
/// pipe's executor.
class call_session final : public call_frames {
public:
    explicit call_session(pipe_end& end);
    ~call_session();

    void on_window(std::uint64_t calls) override;
    void on_withdrawn(frame_writer::position p) noexcept override {
        served_.withdrawn(p.end, p.end - p.begin);
    }

    /// That of `end`. Starts the reader, if there was none: throws receive_in_progress if somebody
    /// else receives.
    static call_session& of(const end_ptr& end);
    static void attach(const end_ptr& end, std::shared_ptr<const service_table> services,
                       const service_options& options);
    /// Completes when the conversation is over and every handler has ended. Throws what has ended
    /// it, unless that was a clean end.
    static asio::awaitable<void> wait_over(end_ptr end);

    // Calling: wait for a turn, begin, queue the request.
    bool may_call() const noexcept;
    /// Fails as the call does. Afterwards a call may begin, if nothing was awaited in between.
    static asio::awaitable<void> wait_turn(end_ptr end, deadline until, std::string_view request);
    std::uint64_t begin(pending_call& call, deadline until);
    /// What a call fails with whose time has passed.
    static remote_error too_late(const pipe_end& end, std::string_view request);
    /// The request could not be sent.
    void withdraw(std::uint64_t id);
    /// Nobody waits any more: tells the other side to cancel.
    void abandon(std::uint64_t id) noexcept;
    /// What a call fails with that is cancelled: the end of the conversation, if that came first.
    std::exception_ptr why_cancelled(std::string_view request) const noexcept;
    /// Its caller was cancelled: the same, and the call fails. The caller is not resumed.
    void cancel(std::uint64_t id) noexcept;
    /// The same as abandon, and the call fails.
    void fail(std::uint64_t id, std::exception_ptr why) noexcept;

    /// Queues how long the call waits, whose request comes next and leaves together with it.
    pipe_state::position put_time_left(std::uint64_t id, deadline until);

    // Serving.
    /// Nobody waits for the answer of this call, which is served here, any more.
    bool is_cancelled(std::uint64_t id) const noexcept;
    end_ptr end() const { return end_.shared_from_this(); }
    /// Runs a handler that is a coroutine, and that throws nothing; inline until it suspends.
    static void start(const end_ptr& end, std::uint64_t id, asio::awaitable<void> work,
                      served_streams streams);
    template <class T>
    void answer(std::uint64_t id, const T& value);
    void answer_done(std::uint64_t id);
    void answer_failure(std::uint64_t id, std::exception_ptr why) noexcept;
    /// A request or message that no handler has seen.
    void refused(std::uint64_t id, bool one_way, std::exception_ptr why) noexcept;
    /// A handler has thrown.
    void failed(std::uint64_t id, bool one_way, std::exception_ptr why) noexcept;

    // Streams. `own`: of a call of this end.
    /// The credit of a stream's producer, from the beginning.
    std::int64_t window_of_streams() const noexcept;
    /// How much of `bytes` a stream may get beyond that; less than 0: it gives back.
    std::int64_t grow_stream(std::int64_t bytes) noexcept;
    void give_credit(std::uint64_t id, bool own, std::uint64_t bytes) noexcept;
    std::shared_ptr<outgoing_stream> begin_upload(std::uint64_t id);
    void end_upload(std::uint64_t id) noexcept;
    // The upload of a stream, which ends after it: the reader waits for all of them.
    void begin_stream_upload() noexcept { ++stream_uploads_; }
    void end_stream_upload() noexcept;
    /// With what else comes in this batch; at once where there is no memory to remember it.
    void wake_later(std::shared_ptr<incoming_stream> stream);

    /// A frame was queued. It leaves with the others of this batch, or at once.
    void queued(pipe_state::position p);
    void send_empty(frame_kind kind, std::uint64_t id, std::uint8_t flags);

    wake_events& waiting() noexcept { return waiting_; }
    std::size_t calls() const noexcept { return table_.size(); }
    std::size_t served() const noexcept { return running_.size(); }
    std::uint64_t dropped() const noexcept { return dropped_; }

private:
    struct turn;
    struct reading;

    // Whatever the other end says: each call takes memory here until it is answered.
    static constexpr std::uint64_t most_in_flight = 1u << 16;

    /// Makes that of `end`, whose reader is to be started with what this returns.
    static std::unique_ptr<reading> make(const end_ptr& end);
    static void start(std::unique_ptr<reading> mine);
    static asio::awaitable<void> read(std::unique_ptr<reading> mine);
    asio::awaitable<void> read_all();
    void take(const frame& f);
    void take_request(const frame& f);
    void take_message(const frame& f);
    void take_cancel(const frame& f);
    void take_answer(const frame& f);
    void take_item(const frame& f);
    void take_credit(const frame& f);
    void take_time_left(const frame& f);
    pipe_state::position put_number(frame_kind kind, std::uint64_t id, std::uint8_t flags,
                                    std::uint64_t number);
    void send_number(frame_kind kind, std::uint64_t id, std::uint8_t flags, std::uint64_t number);
    asio::awaitable<void> wait_stream_uploads();
    static asio::awaitable<void> work(end_ptr end, std::shared_ptr<worker> mine);
    void ended(std::uint64_t id);
    void answered(pipe_state::position p);
    void wake_streams();
    void flush();
    void flush_if_due();
    void over(std::exception_ptr why);
    void end_after(std::exception_ptr why) noexcept;
    void cancel_handlers();
    remote_error why_gone(std::string_view request) const;
    std::exception_ptr gone(std::string_view request) const noexcept;
    void give_up() noexcept;
    void check_calling(std::string_view request) const;
    void grant_turns();
    bool has_reserve() const noexcept;
    std::size_t most_served(std::size_t window) const noexcept;
    void arm(deadline until) noexcept;
    void expire();

    pipe_end& end_;

    call_table table_;
    turn* turns_ = nullptr;  ///< the first in line
    turn** end_of_turns_ = &turns_;
    std::size_t granted_ = 0;  ///< turns that were given and not used yet
    asio::steady_timer timer_;
    deadline armed_ = deadline::max();
    std::unordered_map<std::uint64_t, std::shared_ptr<outgoing_stream>> uploads_;
    std::size_t stream_uploads_ = 0;
    std::int64_t grown_ = 0;  ///< credit of incoming streams beyond their first

    served_table served_;
    std::shared_ptr<const service_table> services_;
    service_options options_;
    pooled_map<std::uint64_t, std::shared_ptr<worker>> running_;
    times_left times_left_;
    deadline until_ = deadline::max();  ///< the caller of the request that is being taken waits
    std::vector<std::shared_ptr<worker>> idle_;

    wake_events waiting_;
    std::vector<std::shared_ptr<incoming_stream>> to_wake_;
    pipe_state::position batch_{};
    deadline batch_until_{};
    int queued_ = 0;  ///< frames of the batch
    bool in_batch_ = false;
    bool is_over_ = false;
    std::exception_ptr why_;  ///< null: a clean end
    std::vector<asio::steady_timer*> awaiting_end_;
    std::uint64_t dropped_ = 0;
};

template <class T>
void call_session::answer(std::uint64_t id, const T& value) {
    answered(put_frame(end_, frame_kind::reply, id, 0, value));
}

}  // namespace detail
}  // namespace remora
