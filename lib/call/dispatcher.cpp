// SPDX-License-Identifier: MIT
// How handlers run that are coroutines, and how they end.
#include <remora/detail/call/dispatcher.hpp>

#include "call/call_failure.hpp"
#include "wire/control_records.hpp"

#include <remora/detail/call/stream_ends.hpp>
#include <remora/service.hpp>

#include <algorithm>
#include <new>
#include <utility>

namespace remora::detail {

namespace {

constexpr std::size_t idle_workers = 64;  // of an end, at most

}  // namespace

dispatcher::dispatcher(calls_shared& shared)
    : shared_(shared), end_(shared.end), served_(most_served(1)), room_(shared.events) {
}

dispatcher::~dispatcher() = default;

void dispatcher::attach(std::shared_ptr<const service_table> services,
                        const service_options& options) {
    if (is_attached_)
        throw_error(errc::bad_option, end_.context() + "a service is attached already");
    services_ = std::move(services);
    is_attached_ = true;
    end_on_exception_ = options.end_on_exception;
    served_.set_limit(most_served(options.max_in_flight));
    most_messages_ = options.max_in_flight;
}

// Beyond the window there is a reserve for calls that are made while one of this end is served.
std::size_t dispatcher::most_served(std::size_t window) const noexcept {
    if (!end_.has_agreed(wire::nested_calls)) return window;
    return std::max(window, 2 * std::min(window, most_in_flight));
}

void dispatcher::give_work(worker& to, std::uint64_t id, bool is_message,
                           asio::awaitable<void> work, served_streams streams) {
    to.id = id;
    to.is_message = is_message;
    to.is_cancelled = false;
    to.serves->end = &end_;
    to.serves->id = is_message ? 0 : id;
    to.serves->until = is_message ? deadline::max() : until_;
    to.work = std::move(work);
    to.streams = std::move(streams);
    if (to.streams.items) to.streams.items->credit = stream_credit(shared_.windows.first());
}

void dispatcher::run(const end_ptr& end, workers& among, std::uint64_t id,
                     asio::awaitable<void> work, served_streams streams) {
    const bool spawns = idle_.empty();
    const auto mine =
        spawns ? std::make_shared<worker>(shared_.events, end->executor()) : idle_.back();
    among.emplace(id, mine);
    give_work(*mine, id, &among == &message_workers_, std::move(work), std::move(streams));
    const struct starting {
        worker*& which;
        ~starting() { which = nullptr; }
    } guard{started_};
    started_ = mine.get();
    if (!spawns) {
        idle_.pop_back();
        return mine->next_work.resume();
    }
    try {
        asio::co_spawn(
            asio::any_io_executor(call_executor<false>(mine->serves)), dispatcher::work(end, mine),
            asio::bind_cancellation_slot(mine->cancel.slot(), [mine](std::exception_ptr) {}));
    } catch (...) {
        mine->work = {};
        among.erase(among.find(id));
        throw;
    }
}

// What a handler has changed in its coroutine's way of being cancelled is not the next one's. The
// end of the pipe keeps this.
asio::awaitable<void> dispatcher::work(end_ptr, std::shared_ptr<worker> mine) {
    while (mine->work.valid()) {
        try {
            co_await std::exchange(mine->work, {});
        } catch (const std::exception&) {  // cancelled before it has begun
            if (!mine->is_message) answer_failure(mine->id, std::current_exception());
        }
        mine->serves->end = nullptr;
        ended(*mine);
        if (shared_.state.is_over() || idle_.size() == idle_workers) break;
        co_await asio::this_coro::throw_if_cancelled(true);
        co_await asio::this_coro::reset_cancellation_state();
        auto next = mine->next_work.wait([] {});
        idle_.push_back(mine);
        co_await std::move(next);
    }
}

worker* dispatcher::find(std::uint64_t id) const noexcept {
    const auto found = call_workers_.find(id);
    return found == call_workers_.end() ? nullptr : found->second.get();
}

bool dispatcher::is_cancelled(std::uint64_t id) const noexcept {
    const worker* const found = find(id);
    if (found == nullptr) return shared_.state.is_over();
    return found->is_cancelled || found->cancelled_at_end;
}

void dispatcher::ended(const worker& which) {
    auto& among = which.is_message ? message_workers_ : call_workers_;
    if (const auto found = among.find(which.id); found != among.end()) {
        const auto upload = found->second->streams.upload.lock();
        found->second->streams = {};
        among.erase(found);
        if (upload) upload->handler_ended();
    }
    if (which.is_message) notify_message_room();
    shared_.batch.wake_streams_if_idle();
    if (!shared_.state.is_over() || running() != 0) return;
    services_ = nullptr;
    outstanding_work_ = {};
    shared_.state.awaiting_end().notify_all();
}

void dispatcher::cancel(worker& which) {
    which.cancel.emit(asio::cancellation_type::terminal);
    if (which.streams.items) which.streams.items->stop(end_.executor());
}

// Until now the reader was what kept the context at work.
void dispatcher::track_work() noexcept try {
    if (running() != 0)
        outstanding_work_ =
            asio::prefer(end_.executor(), asio::execution::outstanding_work.tracked);
} catch (const std::bad_alloc&) {  // the context may stop before the last handlers
}

void dispatcher::end() {
    track_work();
    cancel_handlers(call_workers_);
    cancel_handlers(message_workers_);
    if (running() == 0) services_ = nullptr;  // and what its handlers hold
    for (const auto idle = std::exchange(idle_, {}); const auto& next : idle)
        next->next_work.resume();
}

// A handler that ends at once is erased meanwhile, so the search starts again.
void dispatcher::cancel_handlers(workers& among) {
    const auto is_cancelled = [](const auto& entry) { return entry.second->cancelled_at_end; };
    for (;;) {
        const auto next = std::ranges::find_if_not(among, is_cancelled);
        if (next == among.end()) break;
        const auto mine = next->second;
        mine->cancelled_at_end = true;
        cancel(*mine);
        if (const auto upload = mine->streams.upload.lock()) {
            upload->fail(shared_.state.gone_exception(upload->request_name()));
            upload->wake();
        }
    }
}

// Counts the answers that have left, too. A request that finds no room does the same; more often is
// not needed.
void dispatcher::answered(pipe_state::position p) {
    served_.written(end_.written());
    served_.answered(p.end);
    shared_.batch.queued(p);
}

void dispatcher::answer_done(std::uint64_t id) {
    answered(shared_.batch.put_empty(frame_kind::end, id, 0));
}

template <class Make>
void dispatcher::put_failure(std::uint64_t id, Make failure) noexcept try {
    if (!end_.can_send()) return;
    answered(put_frame(end_, frame_kind::failure, id, 0, failure()));
    ++failures_;
} catch (const std::exception&) {  // not even a failure can be told
    shared_.state.end_out_of_memory();
}

void dispatcher::answer_failure(std::uint64_t id, std::exception_ptr why) noexcept {
    put_failure(id, [&] { return call_failures::of(why); });
}

void dispatcher::passed_failure(std::uint64_t id, const remote_error& why) noexcept {
    put_failure(id, [&] { return call_failures::passed(why); });
}

// Once this end cannot answer any more the other one sends nothing, or nothing that counts.
asio::awaitable<void> dispatcher::wait_message_room() {
    while (messages_full() && end_.can_send())
        co_await room_.wait([] {});
}

void dispatcher::not_delivered(std::uint64_t id, bool one_way, std::exception_ptr why) noexcept {
    if (!one_way) return answer_failure(id, why);
    ++dropped_;
}

void dispatcher::failed(std::uint64_t id, bool one_way, std::exception_ptr why) noexcept {
    const worker* const found = one_way ? nullptr : find(id);
    const bool cancelled = found != nullptr && found->is_cancelled;
    if (!one_way) answer_failure(id, why);
    if (end_on_exception_ && !cancelled) shared_.state.fail(why);
}

}  // namespace remora::detail
