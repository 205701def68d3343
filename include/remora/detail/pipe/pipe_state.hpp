// SPDX-License-Identifier: MIT
/// One end of a pipe: what the operations on it share.
#pragma once

#include <remora/archive.hpp>
#include <remora/asio.hpp>
#include <remora/detail/base/wait_queue.hpp>
#include <remora/detail/pipe/frame_reader.hpp>
#include <remora/detail/pipe/frame_writer.hpp>
#include <remora/detail/pipe/turn.hpp>
#include <remora/error.hpp>
#include <remora/limits.hpp>
#include <remora/pipe_counts.hpp>
#include <remora/transport.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace remora::detail {

class transport;
class pipe_waiter;
class lender;
class borrower;
class pipe_trace;

/// Throws bad_option for limits with which no pipe can work.
void check_limits(const pipe_limits& limits);

/// What takes the frames of calls on a pipe. Belongs to the pipe's executor.
class call_frame_handler {
public:
    /// The other end lets so many calls be unanswered.
    virtual void on_window(std::uint64_t calls) = 0;
    /// A frame was taken out of the queue before it was written.
    virtual void on_withdrawn(frame_writer::position p) noexcept = 0;
    /// This end closes, or the other one is gone: whoever waits is woken.
    virtual void on_interrupted() noexcept = 0;

protected:
    ~call_frame_handler() = default;
};

/// One end of a pipe: a transport, what is read from it and written to it, who waits for either,
/// and how it ends. Belongs to its executor. All frames of both directions are the pipe's
/// conversation: that is over when an end closes, is gone, or breaks the protocol.
///
/// It has more functions than others, since reading, writing and ending change each other's state:
/// an end of input fails the senders, a failure to write wakes the reader, and closing does both.
/// Its members are in groups: receiving, sending, closing.
class pipe_state : public std::enable_shared_from_this<pipe_state> {
public:
    using position = frame_writer::position;

    /// `gone` is the error for a peer that vanishes without a word.
    pipe_state(asio::any_io_executor executor, std::unique_ptr<transport> transport,
               std::string name, const pipe_limits& limits, errc gone,
               wait_policy waiting = wait_policy::block, frame_kinds kinds = frame_kinds::messages);
    virtual ~pipe_state();

    const asio::any_io_executor& executor() const noexcept { return executor_; }
    const std::string& name() const noexcept { return name_; }
    const pipe_limits& limits() const noexcept { return limits_; }
    transport_kind transport_used() const noexcept;
    /// "pipe "name": ", for what is thrown.
    std::string context() const;
    /// Within a handler: throws the exception on, one of Remora's with the context in it, and
    /// `what`.
    [[noreturn]] void rethrow_in_context(std::string_view what = {}) const;
    /// What both ends have agreed to use: the features of lib/wire/protocol.md.
    void set_features(std::uint64_t features) noexcept;
    bool has_agreed(std::uint64_t feature) const noexcept { return (features_ & feature) != 0; }
    /// From now on what is sent and received is written down there.
    void set_trace(std::unique_ptr<pipe_trace> trace) noexcept;
    /// Writes down that the time of this call, made by this end, has passed.
    void trace_timed_out(std::uint64_t call) noexcept;
    /// The same, that whoever has made it does not wait for its answer any more.
    void trace_given_up(std::uint64_t call) noexcept;

    // Receiving. One at a time: hold a `receiving` from the first look to the last.
    class receiving {
    public:
        explicit receiving(pipe_state& end);
        ~receiving() { end_.receiving_ = false; }
        receiving(const receiving&) = delete;
        receiving& operator=(const receiving&) = delete;

    private:
        pipe_state& end_;
    };

    /// How to look. `all`: for who does not wait; a message that is there is found, however large.
    /// `in_pieces`: for who waits next; of a large message no more is taken in than is enough for
    /// one turn. `before_wait`: the same, and without a time limit: a system call is spared where
    /// there was nothing a moment ago, since the wait finds what has come meanwhile.
    enum class peeking { all, in_pieces, before_wait };
    /// The frame at the head, if a whole one has arrived. It stays, and its bytes are good until
    /// the next call. Throws once the conversation is over, unless the end was clean: then at_end()
    /// is true and there is no frame.
    const frame* peek_frame(peeking how = peeking::all);
    void pop_frame() noexcept;
    /// True if the next look finds something, be it the end.
    bool has_news(peeking how = peeking::all) noexcept;
    bool at_end() const noexcept { return reader_.at_clean_end(); }
    /// True if bytes have been fetched that no frame has been taken from yet.
    bool has_buffered_input() const noexcept;
    /// The same, without counting the head.
    bool has_input_after_head() const noexcept;
    /// Before each wait_message: true if another look is worth while already, after looking for a
    /// moment where that is likely to help.
    bool poll_briefly();
    /// The same for an operation that does not wait. If it finds nothing the next poll_briefly() is
    /// spared.
    bool try_poll_briefly();
    /// Completes when another look is worth while. Throws timed_out after the deadline and
    /// operation_aborted when the awaiting coroutine is cancelled.
    asio::awaitable<void> wait_message(deadline until);
    /// The blocks that the frame at the head lends, until it is popped.
    std::span<const block_ref> loans() const noexcept { return loans_; }
    /// Decodes a payload, with the names of pipe and type in what it throws: that of the head, or
    /// one with its `loans`.
    template <class T>
    void decode_value(std::span<const std::byte> bytes, T& into) const {
        decode_value(bytes, into, loans_);
    }
    template <class T>
    void decode_value(std::span<const std::byte> bytes, T& into,
                      std::span<const block_ref> loans) const;
    std::string_view type_name(std::uint64_t tag) const noexcept { return reader_.type_name(tag); }
    std::string type_text(std::uint64_t tag) const { return reader_.type_text(tag); }
    [[noreturn]] void throw_mismatch(const frame& f, std::string_view wanted) const;
    [[noreturn]] void throw_wrong_reply(const frame& f, std::string_view request,
                                        std::string_view wanted) const;
    [[noreturn]] void throw_closed() const;

    // Others have their turn, too.
    /// Counts; true if now is the time to yield.
    bool must_yield_after(unsigned operations = 1) noexcept {
        return turn_.must_yield_after(operations, [this] { return others(); });
    }
    /// For an operation that cannot yield: true now and then, and it is not to be done.
    bool must_decline() noexcept {
        return turn_.must_decline([this] { return others(); });
    }
    asio::awaitable<void> yield();
    /// The same before a message is taken: throws operation_aborted if cancelled meanwhile.
    asio::awaitable<void> yield_to_receive();

    // Sending: begin_frame(), encode into out(), end_frame(), flush(); see frame_writer.
    position begin_frame(frame_kind kind, std::uint64_t id = 0, std::uint64_t tag = 0,
                         std::string_view type_name = {}, std::uint8_t flags = 0) {
        check_sending();
        return writer_.begin_frame(kind, id, tag, type_name, flags);
    }
    byte_buffer& out() noexcept { return writer_.out(); }
    void end_frame(position& p) {
        if (block_lender_ != nullptr) [[unlikely]]
            return end_frame_with_loans(p);
        writer_.end_frame(p);
    }
    void drop_frame(position p) noexcept;
    /// Queues a frame without a type, whose payload `write` puts into out(). If that throws there
    /// is no frame.
    template <class Write>
    position put(frame_kind kind, std::uint64_t id, std::uint64_t tag, std::uint8_t flags,
                 Write write) {
        auto p = begin_frame(kind, id, tag, {}, flags);
        try {
            write(out());
            end_frame(p);
        } catch (...) {
            drop_frame(p);
            throw;
        }
        return p;
    }
    /// A block to be filled and sent: shared with the other end, or of this process's own. Throws
    /// std::bad_alloc.
    block_ref allocate(std::size_t size);
    /// Null as long as nothing was allocated, or nothing can be lent.
    block_lender* lender_of_blocks() const noexcept { return block_lender_; }
    /// Writes what there is room for. True if all is written up to `p`.
    bool flush(position p);
    std::uint64_t written() const noexcept { return writer_.written(); }
    asio::awaitable<void> wait_written(position p);
    /// True if a sender has to wait for room in the queue, behind those who do.
    bool queue_is_full() const noexcept {
        return writer_.is_full(limits_.queue) || !waiting_for_queue_.empty();
    }
    /// Completes when it is this sender's turn. Throws timed_out after the deadline.
    asio::awaitable<void> wait_queue_room(deadline until = deadline::max());

    // Ending.
    /// No more from here: what is queued and a last frame still leave, then the transport is
    /// closed.
    void close(std::error_code why = {}, const std::string& text = {});
    asio::awaitable<void> wait_closed();
    /// The handle `pipe` is destroyed: close(), unless a service's outcome is awaited.
    void handle_gone();
    /// From now on handle_gone() does not close: how the service that owns the handle has ended is
    /// not known yet.
    void defer_close() noexcept { defers_close_ = true; }
    /// Ends that, and closes if there is a reason, or the handle is gone by then.
    void stop_deferring(std::error_code why, const std::string& text);
    /// The peer is gone. What it had sent can still be received; all else fails with `why`.
    void fail(std::error_code why);
    bool is_closed() const noexcept { return closing_; }
    bool can_send() const noexcept { return !closing_ && !send_failure_; }
    /// The other end has shown that it is there.
    void on_peer_opened() noexcept;

    // Calls.
    /// From now on `takes` gets the frames of calls, until it is null.
    void set_call_frame_handler(call_frame_handler* takes) noexcept { call_frame_handler_ = takes; }
    /// How many calls the other end lets be unanswered: it may say so before there are any.
    std::uint64_t call_window() const noexcept { return reader_.window(); }

    // What was counted so far.
    pipe_traffic sent() const noexcept;
    pipe_traffic received() const noexcept;
    std::size_t queued() const noexcept { return writer_.queued(); }
    std::size_t peak_queued() const noexcept { return peak_queued_; }

private:
    struct queued_sender;

    /// So many others on the executor want the thread: they poll, or have left it for a moment.
    std::size_t others() const noexcept;
    bool read_frame();
    void borrow(const frame& f);
    bool fetch(peeking how);
    [[noreturn]] void give_up(const error& why);
    bool has_arrived() noexcept;
    void end_of_input();
    void trace_frame(std::size_t consumed) noexcept;
    std::size_t write_traced(std::span<const std::byte> bytes);

    void check_sending() const {
        if (closing_ || send_failure_) [[unlikely]]
            throw_not_sending();
    }
    [[noreturn]] void throw_not_sending() const;
    bool write_queued();
    void write_some();
    /// Writes what is queued; true if some of it has gone, or nothing will any more.
    bool write_progress() noexcept;
    void notify_next_sender();
    void withdraw(position p);
    void end_frame_with_loans(position& p);
    void make_lender();
    using background_work = asio::awaitable<void>(std::shared_ptr<pipe_state> self);
    void start(bool& runs, background_work* work);
    static asio::awaitable<void> write_loop(std::shared_ptr<pipe_state> self);
    static asio::awaitable<void> watch_hang_up(std::shared_ptr<pipe_state> self);
    /// The peer will write no more: reads what it has left, and fails the senders; with `closed` if
    /// a close frame is there.
    void on_hang_up();
    void fail_sending(std::error_code why);

    static asio::awaitable<void> discard_until_written(std::shared_ptr<pipe_state> self);
    bool discard_input();
    void interrupt() noexcept;
    void close_transport();

    asio::any_io_executor executor_;
    std::unique_ptr<transport> transport_;
    std::unique_ptr<pipe_trace> trace_;  ///< null: nothing is written down
    std::string name_;
    pipe_limits limits_;
    errc peer_gone_;
    std::uint64_t features_ = 0;
    call_frame_handler* call_frame_handler_ = nullptr;

    frame_reader reader_;
    std::unique_ptr<pipe_waiter> read_waiter_;
    bool receiving_ = false;
    std::error_code failure_;  ///< set: the peer is known to be gone
    turn turn_;
    unsigned yielding_ = 0;               ///< coroutines that are in yield()
    bool has_polled_ = false;             ///< by try_poll_briefly(), and found nothing
    unsigned peek_cost_ = 0;              ///< of the last peek_frame(): 1 is a frame passed over
    std::shared_ptr<borrower> borrower_;  ///< once something was lent
    std::vector<block_ref> loans_;        ///< of the head

    frame_writer writer_;
    std::unique_ptr<pipe_waiter> write_waiter_;
    wait_queue waiting_for_queue_;
    wait_queue waiting_for_write_;
    std::error_code send_failure_;  ///< set: nothing more can be sent
    bool writes_in_loop_ = false;
    bool waits_for_room_ = false;  ///< what is queued; else it waits for its turn
    std::size_t peak_queued_ = 0;  ///< while the transport was full
    bool watches_hang_up_ = false;
    std::shared_ptr<lender> lender_;        ///< once something was allocated
    block_lender* block_lender_ = nullptr;  ///< lender_, as the archive knows it

    wait_queue waiting_for_close_;
    bool closing_ = false;
    bool transport_closed_ = false;
    bool defers_close_ = false;
    bool handle_is_gone_ = false;
};

/// Closes `end` and waits until what was queued has left.
asio::awaitable<void> close_end(std::shared_ptr<pipe_state> end);

inline deadline deadline_of(std::chrono::nanoseconds timeout) {
    if (timeout == timeout.max()) return deadline::max();
    const auto now = std::chrono::steady_clock::now();
    return timeout < deadline::max() - now ? now + timeout : deadline::max();
}

/// The reverse: what is left until then.
inline std::chrono::nanoseconds time_until(deadline when) {
    if (when == deadline::max()) return std::chrono::nanoseconds::max();
    return when - std::chrono::steady_clock::now();
}

/// How to look, for an operation that waits for so long.
inline pipe_state::peeking peeking_before(std::chrono::nanoseconds timeout) {
    using peeking = pipe_state::peeking;
    if (timeout == timeout.max()) return peeking::before_wait;
    return timeout.count() > 0 ? peeking::in_pieces : peeking::all;
}

/// Encodes a frame with a value into the queue.
template <class T>
pipe_state::position put_frame(pipe_state& end, frame_kind kind, std::uint64_t id,
                               std::uint8_t flags, const T& value) {
    auto p = end.begin_frame(kind, id, type_tag_of<T>(), type_name_of<T>(), flags);
    try {
        encode_with(end.out(), value, {.size = end.limits().message}, end.lender_of_blocks());
        end.end_frame(p);
    } catch (...) {
        end.drop_frame(p);
        end.rethrow_in_context();
    }
    return p;
}

template <class T>
void pipe_state::decode_value(std::span<const std::byte> bytes, T& into,
                              std::span<const block_ref> loans) const {
    try {
        decode_with(bytes, into, limits_.decode, loans);
    } catch (...) {
        rethrow_in_context();
    }
}

}  // namespace remora::detail
