// SPDX-License-Identifier: MIT
/// One end of a pipe: what the handle `pipe` and the operations in progress share. Not for users.
#pragma once

#include <remora/archive.hpp>
#include <remora/asio.hpp>
#include <remora/detail/wire/frame.hpp>
#include <remora/error.hpp>
#include <remora/transport.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace remora {

/// What a pipe lets through.
struct pipe_limits {
    /// Bytes of one encoded value, 4096 to 4 GiB - 4096; the smaller of both sides' counts.
    std::size_t message = 16u << 20;
    std::size_t queue = 256u << 10;  ///< bytes waiting to be written, beyond which `send` waits
    decode_limits decode{};          ///< what one value may cost to decode
};

namespace detail {

class transport;
class call_session;

/// Throws bad_option for limits with which no pipe can work.
void check_limits(const pipe_limits& limits);

/// What an endpoint takes: the frames of a connection, or those of the control pipe.
enum class frame_kinds { messages, control };

using deadline = std::chrono::steady_clock::time_point;

class endpoint : public std::enable_shared_from_this<endpoint> {
public:
    /// `gone` is the error for a peer that vanishes without a word.
    endpoint(asio::any_io_executor executor, std::unique_ptr<transport> transport, std::string name,
             const pipe_limits& limits, errc gone, wait_policy waiting = wait_policy::block,
             frame_kinds kinds = frame_kinds::messages);
    ~endpoint();

    const asio::any_io_executor& executor() const noexcept { return executor_; }
    const std::string& name() const noexcept { return name_; }
    const pipe_limits& limits() const noexcept { return limits_; }
    transport_kind transport_used() const noexcept;

    // Receiving. One at a time: hold a `receiving` from the first look to the last.
    class receiving {
    public:
        explicit receiving(endpoint& end);
        ~receiving() { end_.receiving_ = false; }
        receiving(const receiving&) = delete;
        receiving& operator=(const receiving&) = delete;

    private:
        endpoint& end_;
    };

    /// The frame at the head, if a whole one has arrived. It stays, and its bytes are good until
    /// the next call. Throws once the conversation is over, unless the end was clean: then at_end()
    /// is true and there is no frame.
    /// Before a wait without a limit, the `least` effort does: a system call is spared where there
    /// was nothing a moment ago, since the wait finds what has come meanwhile.
    enum class effort { full, least };
    const frame* head(effort how = effort::full);
    void pop() noexcept;
    /// True if more has been read than was taken so far.
    bool has_more() const noexcept;
    bool has_more_than_head() const noexcept;
    /// The name of a type that the other end has used, or its tag, to be shown.
    std::string type_text(std::uint64_t tag) const;
    bool at_end() const noexcept { return end_code_ && *end_code_ == std::error_code(); }
    /// Before each wait_message: true if another look is worth while already, after looking for a
    /// moment where that is likely to help.
    bool look() { return waits_ && in_one_look_ < most_in_a_row && look_for_a_moment(); }
    /// Completes when another look is worth while. Throws timed_out after the deadline and
    /// operation_aborted when the awaiting coroutine is cancelled.
    asio::awaitable<void> wait_message(deadline until);
    /// Decodes a payload, with the names of pipe and type in what it throws.
    template <class T>
    void decode_value(std::span<const std::byte> bytes, T& into) const;
    [[noreturn]] void raise_mismatch(const frame& f, std::string_view wanted) const;
    [[noreturn]] void raise_closed() const;
    /// Within a handler: throws the exception on, one of Remora's with the name of the pipe in it.
    [[noreturn]] void rethrow_in_context() const;

    // A scheduler's trip is due after so many operations that found everything at hand.
    static constexpr unsigned most_in_a_row = 64;
    bool must_give_way(unsigned operations = 1) noexcept {
        return (in_a_row_ += operations) > most_in_a_row;
    }
    asio::awaitable<void> give_way();
    /// The same before a message is taken: throws operation_aborted if cancelled meanwhile.
    asio::awaitable<void> give_way_to_receive();

    // Sending: begin, encode into out(), commit; on failure, abandon.
    struct position {
        std::uint64_t begin = 0, end = 0;  ///< in the bytes of this direction, since the start
    };
    bool must_wait_turn() const noexcept { return queued() >= limits_.queue || !turns_.empty(); }
    /// Throws timed_out after the deadline.
    asio::awaitable<void> wait_turn(deadline until = deadline::max());
    position begin_frame(frame_kind kind, std::uint64_t id = 0, std::uint64_t tag = 0,
                         std::string_view type_name = {}, std::uint8_t flags = 0);
    byte_buffer& out() noexcept { return out_; }
    void abandon_frame(position p) noexcept;
    /// Queues the frame, without writing.
    void end_frame(position& p);
    /// Writes what there is room for. True if all is written up to `p`.
    bool flush(position p);
    /// How many bytes of this direction have been written, since the start.
    std::uint64_t written() const noexcept { return base_ + sent_; }
    asio::awaitable<void> wait_written(position p);

    // Ending.
    /// No more from here: what is queued and a last frame still leave, then the transport is
    /// closed.
    void close(std::error_code why = {}, const std::string& text = {});
    asio::awaitable<void> wait_closed();
    /// What the handle's destructor does: close(), unless a service's outcome is awaited.
    void abandon();
    /// Between hold and release the handle's destructor does not close: how the service that owns
    /// it ended is not known yet.
    void hold() noexcept { held_ = true; }
    void release(std::error_code why, const std::string& text);
    /// True if the next look finds something, be it the end.
    bool has_news() noexcept;
    /// The peer is gone. What it had sent can still be received; all else fails with `why`.
    void fail(std::error_code why);
    bool is_closed() const noexcept { return closing_; }
    bool can_send() const noexcept { return !closing_ && !send_failure_; }
    void opened() noexcept;

    /// What both ends have agreed to use: the bits of lib/wire/protocol.md.
    void agree(std::uint64_t features) noexcept { features_ = features; }
    bool has_agreed(std::uint64_t feature) const noexcept { return (features_ & feature) != 0; }

    /// The calls of this end, once there are any: the one that receives.
    std::unique_ptr<call_session> calls;
    /// How many calls the other end lets be unanswered: it may say so before there are any.
    std::size_t call_window() const noexcept { return call_window_; }
    std::string context() const;
    /// How long a call takes at most that says nothing of its own.
    std::chrono::nanoseconds default_deadline = std::chrono::nanoseconds::max();

private:
    struct waiter;
    class waiting;
    struct waits;

    std::size_t queued() const noexcept { return out_.size() - sent_; }
    bool next_frame();
    bool fetch(effort how);
    [[noreturn]] void give_up(const error& why);
    bool look_for_a_moment();
    bool give_cpu_to_peer();
    bool has_arrived() noexcept;
    bool has_left() noexcept;
    asio::awaitable<void> wait_for_room();
    void interrupt() noexcept;
    bool takes(frame_kind kind) const noexcept;
    void accept(const frame& f);
    void note_name(const frame& f);
    void note_close(const frame& f);
    void note_window(const frame& f);
    void end_of_input();
    void set_end(std::error_code why, std::string text);
    void wake_turn();
    void put_name(position p, std::uint64_t tag, std::string_view type_name);
    void forget_name(position p) noexcept;
    bool write_queued();
    void write_some();
    void start_pump();
    static asio::awaitable<void> pump(std::shared_ptr<endpoint> self);
    static asio::awaitable<void> watch_hang_up(std::shared_ptr<endpoint> self);
    static asio::awaitable<void> drain(std::shared_ptr<endpoint> self);
    bool discard_input();
    void look_for_end();
    void fail_sending(std::error_code why);
    void withdraw(position p);
    void check_sending() const {
        if (closing_ || send_failure_) [[unlikely]]
            raise_not_sending();
    }
    [[noreturn]] void raise_not_sending() const;
    void shut();

    asio::any_io_executor executor_;
    std::unique_ptr<transport> transport_;
    std::string name_;
    pipe_limits limits_;
    errc gone_;
    frame_kinds kinds_;
    std::uint64_t features_ = 0;

    std::unique_ptr<waits> waits_;  ///< none: waits sleep at once

    std::optional<frame> head_;
    std::size_t wanted_ = frame_header::size;
    std::unordered_map<std::uint64_t, std::string> names_seen_;
    std::optional<std::error_code> end_code_;  ///< set: nothing more can be received
    std::string end_text_;
    std::error_code failure_;  ///< set: the peer is known to be gone
    bool receiving_ = false;
    std::size_t call_window_ = 1;
    unsigned in_a_row_ = 0;
    unsigned in_one_look_ = 0;  ///< frames passed over and pieces taken in, in the last look

    byte_buffer out_;         ///< the frames that are not wholly written
    std::size_t sent_ = 0;    ///< of out_
    std::uint64_t base_ = 0;  ///< the position of out_'s first byte
    std::unordered_set<std::uint64_t> names_sent_;
    std::uint64_t last_tag_ = 0;
    std::vector<waiter*> turns_, writes_, closes_;
    std::error_code send_failure_;  ///< set: nothing more can be sent
    bool pumping_ = false;
    bool watching_ = false;
    bool closing_ = false;
    bool shut_ = false;
    bool held_ = false;
    bool abandoned_ = false;
};

/// Closes `end` and waits until what was queued has left.
asio::awaitable<void> close_end(std::shared_ptr<endpoint> end);

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

/// Encodes a frame with a value into the queue.
template <class T>
endpoint::position put_frame(endpoint& end, frame_kind kind, std::uint64_t id, std::uint8_t flags,
                             const T& value) {
    auto p = end.begin_frame(kind, id, type_tag_of<T>(), type_name_of<T>(), flags);
    try {
        encode(end.out(), value, {.size = end.limits().message});
    } catch (...) {
        end.abandon_frame(p);
        end.rethrow_in_context();
    }
    end.end_frame(p);
    return p;
}

template <class T>
void endpoint::decode_value(std::span<const std::byte> bytes, T& into) const {
    try {
        decode(bytes, into, limits_.decode);
    } catch (...) {
        rethrow_in_context();
    }
}

}  // namespace detail
}  // namespace remora
