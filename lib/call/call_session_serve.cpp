// SPDX-License-Identifier: MIT
// The calls that a session serves.
#include "call/call_failure.hpp"
#include "wire/control_records.hpp"

#include <remora/detail/call/service_table.hpp>
#include <remora/detail/call/stream_ends.hpp>

#include <algorithm>

namespace remora::detail {

namespace {

constexpr std::size_t idle_workers = 64;  // of a session, at most

}  // namespace

void call_session::start(const end_ptr& end, std::uint64_t id, asio::awaitable<void> work,
                         served_streams streams) {
    call_session& self = *end->calls;
    const bool spawns = self.idle_.empty();
    const auto mine =
        spawns ? std::make_shared<worker>(self.waiting_, end->executor()) : self.idle_.back();
    self.running_.emplace(id, mine);
    mine->id = id;
    mine->is_cancelled = false;
    mine->busy = asio::prefer(end->executor(), asio::execution::outstanding_work.tracked);
    mine->serves->session = &self;
    mine->serves->id = id;
    mine->serves->until = self.until_;
    mine->work = std::move(work);
    mine->streams = std::move(streams);
    if (mine->streams.items) mine->streams.items->credit = stream_credit(self.window_of_streams());
    if (!spawns) {
        self.idle_.pop_back();
        return mine->idle.resume();
    }
    try {
        asio::co_spawn(
            asio::any_io_executor(serving_executor<false>(mine->serves)),
            call_session::work(end, mine),
            asio::bind_cancellation_slot(mine->cancel.slot(), [mine](std::exception_ptr) {}));
    } catch (...) {
        mine->work = {};
        mine->busy = {};
        self.running_.erase(self.running_.find(id));
        throw;
    }
}

// What a handler has changed in its coroutine's way of being cancelled is not the next one's.
asio::awaitable<void> call_session::work(end_ptr end, std::shared_ptr<worker> mine) {
    call_session& self = *end->calls;
    while (mine->work.valid()) {
        try {
            co_await std::exchange(mine->work, {});
        } catch (const std::exception&) {  // cancelled before it has begun
            self.answer_failure(mine->id, std::current_exception());
        }
        mine->serves->session = nullptr;
        mine->busy = {};
        self.ended(mine->id);
        if (self.is_over_ || self.idle_.size() == idle_workers) break;
        co_await asio::this_coro::throw_if_cancelled(true);
        co_await asio::this_coro::reset_cancellation_state();
        auto next = mine->idle.wait([] {});
        self.idle_.push_back(mine);
        co_await std::move(next);
    }
}

bool call_session::is_cancelled(std::uint64_t id) const noexcept {
    const auto found = running_.find(id);
    if (found == running_.end()) return is_over_;
    return found->second->is_cancelled || found->second->is_told;
}

void call_session::ended(std::uint64_t id) {
    if (const auto found = running_.find(id); found != running_.end()) {
        const auto upload = found->second->streams.upload.lock();
        found->second->streams = {};
        running_.erase(found);
        if (upload) upload->outlive();
    }
    if (!in_batch_) wake_streams();
    if (!is_over_ || !running_.empty()) return;
    for (asio::steady_timer* const waiting : awaiting_end_)
        waiting->cancel();
}

void call_session::answered(pipe_state::position p) {
    served_.answered(p.end);
    queued(p);
}

void call_session::answer_done(std::uint64_t id) {
    auto p = end_.begin_frame(frame_kind::end, id);
    end_.end_frame(p);
    answered(p);
}

void call_session::answer_failure(std::uint64_t id, std::exception_ptr why) noexcept try {
    if (!end_.can_send()) return;
    answered(put_frame(end_, frame_kind::failure, id, 0, wire::call_failure::of(why)));
} catch (const std::exception&) {  // not even a failure can be told
    give_up();
}

void call_session::refused(std::uint64_t id, bool one_way, std::exception_ptr why) noexcept {
    if (!one_way) return answer_failure(id, why);
    ++dropped_;
}

void call_session::failed(std::uint64_t id, bool one_way, std::exception_ptr why) noexcept {
    const auto found = one_way ? running_.end() : running_.find(id);
    const bool cancelled = found != running_.end() && found->second->is_cancelled;
    if (!one_way) answer_failure(id, why);
    if (options_.end_on_exception && !cancelled) end_after(why);
}

void call_session::end_after(std::exception_ptr why) noexcept try {
    if (is_over_ || why_) return;
    why_ = why;
    end_.close(errc::service_failed, wire::call_failure::of(why).text);
} catch (const std::bad_alloc&) {
    end_.close(errc::service_failed, "");
}

// A handler that ends at once is erased meanwhile, so the search starts again.
void call_session::cancel_handlers() {
    const auto told = [](const auto& entry) { return entry.second->is_told; };
    for (;;) {
        const auto next = std::ranges::find_if_not(running_, told);
        if (next == running_.end()) break;
        const auto mine = next->second;
        mine->is_told = true;
        mine->cancel.emit(asio::cancellation_type::terminal);
        if (mine->streams.items) mine->streams.items->stop(end_.executor());
        if (const auto upload = mine->streams.upload.lock()) {
            upload->fail(gone(upload->request_name()));
            upload->wake();
        }
    }
}

std::int64_t call_session::window_of_streams() const noexcept {
    return end_.has_agreed(wire::small_streams) ? first_window : stream_window;
}

std::int64_t call_session::grow_stream(std::int64_t bytes) noexcept {
    const auto granted = std::min(bytes, stream_growth - grown_);
    grown_ += granted;
    return granted;
}

void call_session::give_credit(std::uint64_t id, bool own, std::uint64_t bytes) noexcept try {
    if (!end_.can_send()) return;
    send_number(frame_kind::credit, id, own ? frame_header::of_sender : std::uint8_t{0}, bytes);
} catch (const std::exception&) {  // no memory for a frame: the stream could not go on
    give_up();
}

void call_session::give_up() noexcept {
    end_.close(errc::overloaded, "out of memory");
}

}  // namespace remora::detail
