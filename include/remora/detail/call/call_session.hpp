// SPDX-License-Identifier: MIT
/// The calls and streams of one end of a pipe, in both directions. Not for users.
#pragma once

#include <remora/detail/call/caller.hpp>
#include <remora/detail/call/dispatcher.hpp>

#include <exception>
#include <memory>

namespace remora::detail {

/// The pipe's receiver, one for each end that calls or serves: reads frames, and gives those of its
/// own calls to the caller and those of the other end's calls to the dispatcher. Belongs to the
/// pipe's executor.
class call_session final : public call_frame_handler {
public:
    explicit call_session(pipe_end& end);
    ~call_session();

    void on_window(std::uint64_t calls) override { caller_.set_window(calls); }
    void on_withdrawn(frame_writer::position p) noexcept override { dispatcher_.withdrawn(p); }
    void on_interrupted() noexcept override { dispatcher_.notify_message_room(); }

    /// That of `end`. Starts the reader, if there was none: throws receive_in_progress if somebody
    /// else receives.
    static call_session& of(const end_ptr& end);
    static void attach(const end_ptr& end, std::shared_ptr<const service_table> services,
                       const service_options& options);
    /// Completes when the conversation is over and every handler has ended. Throws what has ended
    /// it, unless that was a clean end.
    static asio::awaitable<void> wait_over(end_ptr end);

private:
    struct reading;

    /// Makes that of `end`, whose reader is to be started with what this returns.
    static std::unique_ptr<reading> make(const end_ptr& end);
    static void start(std::unique_ptr<reading> mine);
    static void drop(const end_ptr& end);
    asio::awaitable<void> read(std::unique_ptr<reading> mine);
    asio::awaitable<void> read_all();
    void on_frame(const frame& f);
    void over(std::exception_ptr why);

    pipe_end& end_;
    calls_shared shared_;
    caller caller_;
    dispatcher dispatcher_;
};

}  // namespace remora::detail
