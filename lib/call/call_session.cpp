// SPDX-License-Identifier: MIT
// The reader of a pipe that calls or serves, from its start to the end of the conversation.
#include <remora/detail/call/call_session.hpp>

#include "base/exceptions.hpp"

#include <remora/detail/call/stream_ends.hpp>
#include <remora/service.hpp>

#include <cassert>
#include <new>
#include <utility>

namespace remora::detail {

call_session::call_session(pipe_end& end)
    : end_(end), shared_(end), caller_(shared_), dispatcher_(shared_) {
    end_.caller = &caller_;
    end_.dispatcher = &dispatcher_;
    end_.shared = &shared_;
}

call_session::~call_session() {
    end_.caller = nullptr;
    end_.dispatcher = nullptr;
    end_.shared = nullptr;
}

// What the reader keeps. With it, which the context destroys, go those who wait for the session;
// then the guard, then the end, perhaps the last of it.
struct call_session::reading {
    explicit reading(const end_ptr& which) : end(which), guard(*end) {}
    reading(const reading&) = delete;
    reading& operator=(const reading&) = delete;
    ~reading() {
        end->shared->batch.drop_streams();
        end->shared->events.drop_all();
    }

    end_ptr end;
    pipe_state::receiving guard;
};

std::unique_ptr<call_session::reading> call_session::make(const end_ptr& end) {
    auto calls = std::make_unique<call_session>(*end);
    auto mine = std::make_unique<reading>(end);
    end->session = std::move(calls);
    end->set_call_frame_handler(end->session.get());
    end->session->on_window(end->call_window());
    return mine;
}

// The reader may take what has arrived before this returns.
void call_session::start(std::unique_ptr<reading> mine) {
    const auto end = mine->end;
    try {
        asio::co_spawn(end->executor(), end->session->read(std::move(mine)), asio::detached);
    } catch (...) {
        drop(end);
        throw;
    }
}

// A session without a reader would be none.
void call_session::drop(const end_ptr& end) {
    end->set_call_frame_handler(nullptr);
    end->session.reset();
}

call_session& call_session::of(const end_ptr& end) {
    if (!end->session) start(make(end));
    return *end->session;
}

caller& caller::of(const end_ptr& end) {
    call_session::of(end);
    return *end->caller;
}

void call_session::attach(const end_ptr& end, std::shared_ptr<const service_table> services,
                          const service_options& options) {
    if (options.max_in_flight == 0)
        throw_error(errc::bad_option, "max_in_flight is 0: nothing could be called");
    auto mine = end->session ? nullptr : make(end);
    try {
        end->dispatcher->attach(std::move(services), options);
        if (end->can_send())
            end->shared->batch.send_number(frame_kind::window, 0, 0, options.max_in_flight);
    } catch (...) {
        if (std::exchange(mine, nullptr)) drop(end);
        throw;
    }
    // Only now: what it serves at once may call back, and be called back, beyond a window of 1.
    if (mine) start(std::move(mine));
}

// Its argument keeps this.
asio::awaitable<void> call_session::read(std::unique_ptr<reading>) {
    std::exception_ptr why;
    try {
        co_await read_all();
    } catch (const error&) {  // the conversation is over already
        why = std::current_exception();
    } catch (const std::bad_alloc&) {
        why = std::current_exception();
        shared_.state.end_out_of_memory();
    } catch (...) {
        shared_.state.fail(std::current_exception());
    }
    over(why);
    co_await caller_.wait_stream_uploads();
    assert(shared_.events.empty());  // they would never be resumed
}

asio::awaitable<void> call_session::read_all() {
    frame_batch& batch = shared_.batch;
    for (;;) {
        if (end_.must_yield_after()) {
            batch.wake_streams();
            co_await end_.yield();
            batch.flush();
        }
        if (dispatcher_.messages_full()) [[unlikely]] {
            batch.end();
            co_await dispatcher_.wait_message_room();
        }
        if (const frame* const f = end_.peek_frame(pipe_state::peeking::before_wait)) {
            batch.before_frame();
            on_frame(*f);
            continue;
        }
        if (end_.at_end()) break;
        batch.end();
        if (!end_.poll_briefly()) co_await end_.wait_message(deadline::max());
    }
}

// Items, their end and credit may be of the calls of either end. What breaks the protocol
// ends here, and the peer is told.
void call_session::on_frame(const frame& f) try {
    const bool of_sender = (f.header.flags & frame_header::of_sender) != 0;
    switch (f.header.kind) {
        case frame_kind::request:
            return dispatcher_.on_request(f);
        case frame_kind::message:
            return dispatcher_.on_message(f);
        case frame_kind::cancel:
            return dispatcher_.on_cancel(f);
        case frame_kind::reply:
        case frame_kind::failure:
            return caller_.on_answer(f);
        case frame_kind::time_left:
            return dispatcher_.on_time_left(f);
        case frame_kind::item:
            return of_sender ? dispatcher_.on_item(f) : caller_.on_item(f);
        case frame_kind::end:
            return of_sender ? dispatcher_.on_item(f) : caller_.on_answer(f);
        default:
            return of_sender ? dispatcher_.on_credit(f) : caller_.on_credit(f);
    }
} catch (const error& e) {
    end_.close(e.code(), e.context());
    throw;
}

// What leaves a handler or a caller's coroutine here is not thrown here: nothing keeps the rest
// from hearing of the end.
void call_session::over(std::exception_ptr why) {
    shared_.batch.stop();
    shared_.state.end(why);
    caller_.end();
    dispatcher_.end();
    shared_.batch.wake_streams();
    shared_.state.awaiting_end().notify_all();
}

asio::awaitable<void> call_session::wait_over(end_ptr end) {
    of(end);
    auto& state = end->shared->state;
    while (!state.is_over() || end->dispatcher->running() != 0) {
        wait_queue::waiter mine(state.awaiting_end(), end->executor());
        co_await mine.wait();
        throw_if_cancelled(co_await asio::this_coro::cancellation_state);
    }
    state.rethrow();
}

}  // namespace remora::detail
