// SPDX-License-Identifier: MIT
#include "polling/busy_poller.hpp"

#include "polling/per_executor.hpp"
#include "polling/usable_cpus.hpp"
#include "polling/yield_policy.hpp"

#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>

namespace remora::detail {
namespace {

using namespace std::chrono_literals;

constexpr auto slice_length = 1us;
constexpr int idle_slices = 50;
// Where many wait, each may have to wait for the turns of the others: as long as some of them are
// ready, the context is at work anyhow, and nobody is sent to sleep so soon.
constexpr auto longer_with_others = 2ms;
constexpr std::size_t few = 8;  // entries: they are polled several times between two clock reads

// How often the kernel has taken the CPU away from this thread.
long involuntary_switches() noexcept {
    rusage use{};
    ::getrusage(RUSAGE_THREAD, &use);
    return use.ru_nivcsw;
}

// Whether the kernel took the CPU away in this gap. Its length alone does not tell: a poll that
// copies much takes long as well.
bool has_lost_cpu(std::chrono::nanoseconds gap) noexcept {
    thread_local long before = involuntary_switches();
    if (gap <= longest_gap) return false;
    const long now = involuntary_switches();
    return std::exchange(before, now) != now;
}

}  // namespace

void yield_cpu() noexcept {
    thread_local yield_policy policy;
    const auto before = busy_poller::clock::now();
    if (!policy.allows(before)) return;
    ::sched_yield();
    policy.yielded(before, busy_poller::clock::now());
}

// The pollers of a context.
class busy_poller::registry : public asio::execution_context::service {
public:
    using key_type = registry;
    static asio::execution_context::id id;

    explicit registry(asio::execution_context& context) : service(context) {}
    void shutdown() override;

    per_executor<busy_poller> all;
    std::atomic<const busy_poller*> active{nullptr};  ///< the only one that polls
};

asio::execution_context::id busy_poller::registry::id;

// The coroutines that wait own what they wait for, and it owns them.
void busy_poller::registry::shutdown() {
    std::vector<handler> dropped;
    all.for_each([&](busy_poller& each) { each.drop(dropped); });
}

std::shared_ptr<busy_poller> busy_poller::of(const asio::any_io_executor& executor) {
    auto& context = asio::query(executor, asio::execution::context);
    return asio::use_service<registry>(context).all.get_or_make(executor);
}

busy_poller::busy_poller(asio::any_io_executor executor)
    : executor_(std::move(executor)),
      registry_(asio::use_service<registry>(asio::query(executor_, asio::execution::context))),
      cpus_(usable_cpus()) {
}

busy_poller::~busy_poller() = default;

void busy_poller::add(poll_entry& entry, std::chrono::nanoseconds limit) {
    if (entry.needs_syscall_) {
        for (std::size_t i = entries_.size(); i-- != 0;) {
            if (entries_[i]->needs_syscall_) end(*entries_[i], wait_outcome::replaced);
        }
    }
    entries_.reserve(entries_.size() + 1);
    ended_.reserve(entries_.capacity() + ended_.size());  // no slice, no end() allocates
    const auto now = now_ = entry.since_ = clock::now();
    entry.waited_ = {};
    entry.until_ = limit == limit.max() ? clock::time_point::max() : now + limit;
    entry.until_at_most_ = limit == limit.max() ? entry.until_ : entry.until_ + longer_with_others;
    entry.outcome_ = wait_outcome::interrupted;  // unless we say otherwise
    entry.interrupted_ = entry.lost_cpu_ = false;
    entry.guarded_ = entry.polled_ = true;
    entry.poller_ = this;
    entry.index_ = entries_.size();
    entries_.push_back(&entry);
    registry_.active.store(this, std::memory_order_relaxed);
    if (std::exchange(scheduled_, true)) return;
    try {
        schedule_slice();
    } catch (...) {
        scheduled_ = entry.guarded_ = false;
        remove(entry);
        throw;
    }
}

void busy_poller::remove(poll_entry& entry) noexcept {
    if (!std::exchange(entry.polled_, false)) return;
    entries_[entry.index_] = entries_.back();
    entries_[entry.index_]->index_ = entry.index_;
    entries_.pop_back();
}

// The next slice, which is on its way, resumes it.
void busy_poller::end(poll_entry& entry, wait_outcome outcome) noexcept {
    remove(entry);
    entry.outcome_ = outcome;
    if (outcome == wait_outcome::ready)
        entry.waited_ = slice_begin_ - std::max(entry.since_, last_look_);
    if (entry.handler_) ended_.push_back(&entry);
}

void busy_poller::drop(std::vector<handler>& all) {
    for (auto* list : {&entries_, &ended_}) {
        for (poll_entry* entry : *list) {
            if (entry->handler_) all.push_back(*std::exchange(entry->handler_, std::nullopt));
        }
    }
    ended_.clear();
}

void poll_entry::interrupt() noexcept {
    if (!guarded_) return;
    interrupted_ = true;
    if (polled_) poller_->end(*this, wait_outcome::interrupted);
}

asio::awaitable<void> poll_entry::wait() {
    const auto keep = [this](handler h) {
        auto slot = asio::get_associated_cancellation_slot(h);
        if (slot.is_connected()) slot.assign([this](asio::cancellation_type) { interrupt(); });
        handler_.emplace(std::move(h));
        if (!polled_) asio::post(*std::exchange(handler_, std::nullopt));
    };
    return asio::async_initiate<const asio::use_awaitable_t<>, void()>(keep, asio::use_awaitable);
}

void busy_poller::schedule_slice() {
    asio::defer(executor_, [self = shared_from_this()] { self->slice(); });
}

void busy_poller::slice() {
    now_ = slice_begin_ = clock::now();
    const auto slice_end = now_ + slice_length;
    bool found = false;
    do {
        const int rounds = entries_.size() < few ? 4 : 1;
        for (int i = 0; i < rounds && !found; ++i) {
            found = poll_all();
            relax();
        }
        const auto before = std::exchange(now_, clock::now());
        if (has_lost_cpu(now_ - before)) note_lost_cpu();
    } while (!found && now_ < slice_end && yielding_ == 0);
    last_look_ = now_;
    if (found) last_ready_ = now_;
    end_late_ones();
    scheduled_ = !entries_.empty() || !ended_.empty();
    if (!scheduled_) return;
    // To a peer that waits for this CPU. Who polls memory knows whether there is one.
    const auto needs_syscall = [](const poll_entry* entry) { return entry->needs_syscall_; };
    if (!found && yielding_ == 0 && std::ranges::any_of(entries_, needs_syscall)) yield_cpu();
    try {
        schedule_slice();
    } catch (const std::bad_alloc&) {  // then all sleep
        scheduled_ = false;
        while (!entries_.empty())
            end(*entries_.back(), wait_outcome::timed_out);
    }
    resume_ended();
}

// Here and now: nobody needs another trip through the scheduler. The next slice is on its way
// already, whatever they throw.
void busy_poller::resume_ended() {
    while (!ended_.empty()) {
        poll_entry& entry = *ended_.back();
        ended_.pop_back();
        if (entry.handler_) asio::dispatch(*std::exchange(entry.handler_, std::nullopt));
    }
}

// A poll may end any entry, its own included: a write that fails interrupts both of its pipe.
bool busy_poller::poll_all() {
    bool found = false;
    for (std::size_t i = entries_.size(); i-- != 0; i = std::min(i, entries_.size())) {
        poll_entry& entry = *entries_[i];
        if (!entry.poll_()) continue;
        if (entry.polled_) end(entry, wait_outcome::ready);
        found = true;
    }
    return found;
}

// One wait of all: were each of many to sleep for a while, the price of a loss would grow with
// them.
void busy_poller::note_lost_cpu() noexcept {
    for (auto* list : {&entries_, &ended_}) {
        if (list->empty()) continue;
        list->back()->lost_cpu_ = true;
        return;
    }
}

// Those whose time is over; all of them, if another poller of this context has taken over.
void busy_poller::end_late_ones() {
    const bool active = registry_.active.load(std::memory_order_relaxed) == this;
    const bool at_work = now_ < last_ready_ + idle_slices * slice_length;
    for (std::size_t i = entries_.size(); i-- != 0;) {
        poll_entry& entry = *entries_[i];
        if (!active) {
            end(entry, wait_outcome::replaced);
        } else if (now_ >=
                   (at_work && !entry.needs_syscall_ ? entry.until_at_most_ : entry.until_)) {
            end(entry, wait_outcome::timed_out);
        }
    }
}

}  // namespace remora::detail
