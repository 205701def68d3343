// SPDX-License-Identifier: MIT
/// The calls that one end of a pipe serves. Not for users.
#pragma once

#include <remora/detail/call/calls_shared.hpp>
#include <remora/detail/call/pooled_map.hpp>
#include <remora/detail/call/served_table.hpp>
#include <remora/detail/call/times_left.hpp>
#include <remora/detail/call/worker.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <vector>

namespace remora {

struct service_options;

namespace detail {

class service_table;

/// What the other end has asked: its requests go to the handlers of a service, and the answers back
/// to it.
///
/// It has a few functions more than others: one for each kind of frame that arrives, and one for
/// each way to answer.
class dispatcher {
public:
    explicit dispatcher(calls_shared& shared);
    ~dispatcher();

    /// From now on these handlers serve. Throws bad_option if others do already.
    void attach(std::shared_ptr<const service_table> services, const service_options& options);

    // For handlers.
    /// Runs a handler that is a coroutine, and that throws nothing; inline until it suspends.
    void start(const end_ptr& end, std::uint64_t id, asio::awaitable<void> work,
               served_streams streams) {
        run(end, call_workers_, id, std::move(work), std::move(streams));
    }
    /// The same for a message.
    void start_message(const end_ptr& end, asio::awaitable<void> work) {
        run(end, message_workers_, ++last_message_, std::move(work), {});
    }
    /// Nobody waits for the answer of this call any more.
    bool is_cancelled(std::uint64_t id) const noexcept;
    template <class T>
    void answer(std::uint64_t id, const T& value) {
        answered(put_frame(end_, frame_kind::reply, id, 0, value));
    }
    void answer_done(std::uint64_t id);
    void answer_failure(std::uint64_t id, std::exception_ptr why) noexcept;
    /// The answer is a stream. If the handler was cancelled it is stopped already.
    void begin_items(std::uint64_t id, std::shared_ptr<outgoing_stream> items);
    /// For a handler that has just started: its call may have an upload.
    void offer_upload(possible_upload& which) noexcept;
    /// Begins it, if it has not begun. Once the conversation is over it has failed.
    void begin_upload(possible_upload& which);
    /// The handler has passed the call on, and it has failed there with `why`: that is the answer.
    void passed_failure(std::uint64_t id, const remote_error& why) noexcept;
    /// A request or message with which nothing could be done. A message counts as dropped.
    void not_delivered(std::uint64_t id, bool one_way, std::exception_ptr why) noexcept;
    /// A handler has thrown.
    void failed(std::uint64_t id, bool one_way, std::exception_ptr why) noexcept;

    // What has arrived.
    void on_request(const frame& f);
    void on_message(const frame& f);
    void on_cancel(const frame& f);
    void on_time_left(const frame& f);
    /// An item of an upload, or its end.
    void on_item(const frame& f);
    void on_credit(const frame& f);
    /// A frame was taken out of the queue before it was written.
    void withdrawn(pipe_state::position p) noexcept { served_.withdrawn(p.end, p.end - p.begin); }
    /// As many coroutines are at work for messages as there may be: nothing is read meanwhile.
    bool messages_full() const noexcept { return message_workers_.size() >= most_messages_; }
    /// Completes when that is no more, or this end closes, or the other one is gone.
    asio::awaitable<void> wait_message_room();
    void notify_message_room() noexcept { room_.post(end_.executor()); }
    /// The conversation is over: all handlers are cancelled.
    void end();

    /// How many handlers are at work as coroutines.
    std::size_t running() const noexcept { return call_workers_.size() + message_workers_.size(); }
    std::uint64_t dropped() const noexcept { return dropped_; }
    /// Requests that were answered, and those of them that were answered with an error.
    std::uint64_t answers() const noexcept { return served_.answers(); }
    std::uint64_t failures() const noexcept { return failures_; }

private:
    using workers = pooled_map<std::uint64_t, std::shared_ptr<worker>>;

    void give_work(worker& to, std::uint64_t id, bool is_message, asio::awaitable<void> work,
                   served_streams streams);
    void run(const end_ptr& end, workers& among, std::uint64_t id, asio::awaitable<void> work,
             served_streams streams);
    std::size_t most_served(std::size_t window) const noexcept;
    void admit(const frame& f);
    /// Who serves this call as a coroutine; null if nobody does.
    worker* find(std::uint64_t id) const noexcept;
    void tell_dropped(std::uint64_t tag) noexcept;
    std::string why_dropped(std::uint64_t tag) const;
    void cancel(worker& which);
    void cancel_handlers(workers& among);
    asio::awaitable<void> work(end_ptr end, std::shared_ptr<worker> mine);
    void ended(const worker& which);
    void track_work() noexcept;
    void answered(pipe_state::position p);
    template <class Make>
    void put_failure(std::uint64_t id, Make failure) noexcept;

    calls_shared& shared_;
    pipe_end& end_;
    served_table served_;
    std::shared_ptr<const service_table> services_;  ///< until the last handler has ended
    bool is_attached_ = false;
    bool end_on_exception_ = false;
    times_left times_left_;
    deadline until_ = deadline::max();  ///< of the request that has just come
    workers call_workers_;              ///< by the numbers of their calls
    workers message_workers_;           ///< numbered here
    std::uint64_t last_message_ = 0;
    std::size_t most_messages_ = 1;
    wake_event room_;  ///< for messages
    std::vector<std::shared_ptr<worker>> idle_;
    worker* started_ = nullptr;               ///< in run(): who is started, and may run already
    asio::any_io_executor outstanding_work_;  ///< keeps the context at work for the last handlers
    std::uint64_t dropped_ = 0;               ///< messages that no handler took
    std::vector<std::uint64_t> told_;         ///< the tags of those of which somebody was told
    std::uint64_t failures_ = 0;
};

}  // namespace detail
}  // namespace remora
