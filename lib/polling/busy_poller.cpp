// SPDX-License-Identifier: MIT
#include "polling/busy_poller.hpp"

#include "polling/yield_policy.hpp"

#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <mutex>

namespace remora::detail {
namespace {

using namespace std::chrono_literals;

constexpr auto slice_length = 1us;
constexpr int slices_without_news = 50;
// Where many wait, each may have to wait for the turns of the others: as long as some of them have
// news, the context is at work anyhow, and nobody is sent to sleep so soon.
constexpr auto patience_with_others = 2ms;
constexpr std::size_t few = 8;  // watches: they are looked at several times between two clock reads

// How often the kernel has taken the CPU away from this thread.
long involuntary_switches() noexcept {
    rusage use{};
    ::getrusage(RUSAGE_THREAD, &use);
    return use.ru_nivcsw;
}

// Since the last such gap. A look that copies much takes long as well.
bool has_lost_cpu(std::chrono::nanoseconds gap) noexcept {
    thread_local long before = involuntary_switches();
    if (gap <= longest_gap) return false;
    const long now = involuntary_switches();
    return std::exchange(before, now) != now;
}

}  // namespace

void give_cpu() noexcept {
    thread_local yield_policy policy;
    const auto before = lookout::clock::now();
    if (!policy.allows(before)) return;
    ::sched_yield();
    policy.yielded(before, lookout::clock::now());
}

// The lookouts of a context.
class lookout::others : public asio::execution_context::service {
public:
    using key_type = others;
    static asio::execution_context::id id;

    explicit others(asio::execution_context& context) : service(context) {}
    void shutdown() override;

    std::shared_ptr<lookout> find(const asio::any_io_executor& executor);

    // Whoever has it goes round.
    std::atomic<const lookout*> on_duty{nullptr};

private:
    std::mutex mutex_;
    std::vector<std::weak_ptr<lookout>> all_;
};

asio::execution_context::id lookout::others::id;

std::shared_ptr<lookout> lookout::others::find(const asio::any_io_executor& executor) {
    const std::lock_guard lock(mutex_);
    std::erase_if(all_, [](const auto& weak) { return weak.expired(); });
    for (const auto& weak : all_) {
        auto found = weak.lock();
        if (found && found->executor_ == executor) return found;
    }
    auto made = std::make_shared<lookout>(executor);
    all_.push_back(made);
    return made;
}

// Those who wait own what they wait for, and it owns them.
void lookout::others::shutdown() {
    std::vector<waiter> dropped;
    for (const auto& weak : all_) {
        if (const auto found = weak.lock()) found->drop(dropped);
    }
}

std::shared_ptr<lookout> lookout::of(const asio::any_io_executor& executor) {
    auto& context = asio::query(executor, asio::execution::context);
    return asio::use_service<others>(context).find(executor);
}

lookout::lookout(asio::any_io_executor executor)
    : executor_(std::move(executor)),
      others_(asio::use_service<others>(asio::query(executor_, asio::execution::context))),
      cpus_(usable_cpus()) {
}

lookout::~lookout() = default;

void lookout::add(watch& w, std::chrono::nanoseconds limit) {
    if (w.costly) {
        for (std::size_t i = watches_.size(); i-- != 0;) {
            if (watches_[i]->costly) end(*watches_[i], watched::replaced);
        }
    }
    watches_.reserve(watches_.size() + 1);
    with_news_.reserve(watches_.capacity() + with_news_.size());  // no slice, no end() allocates
    const auto now = clock::now();
    w.until = limit == limit.max() ? clock::time_point::max() : now + limit;
    w.until_at_most = limit == limit.max() ? w.until : w.until + patience_with_others;
    w.result = watched::interrupted;  // unless we say otherwise
    w.interrupted = w.lost_cpu = false;
    w.waiting = w.listed = true;
    w.place = this;
    w.index = watches_.size();
    watches_.push_back(&w);
    others_.on_duty.store(this, std::memory_order_relaxed);
    if (std::exchange(going_round_, true)) return;
    try {
        go_round();
    } catch (...) {
        going_round_ = w.waiting = false;
        remove(w);
        throw;
    }
}

void lookout::remove(watch& w) noexcept {
    if (!std::exchange(w.listed, false)) return;
    watches_[w.index] = watches_.back();
    watches_[w.index]->index = w.index;
    watches_.pop_back();
}

// The next slice, which is on its way, resumes it.
void lookout::end(watch& w, watched result) noexcept {
    remove(w);
    w.result = result;
    if (w.waits) with_news_.push_back(&w);
}

void lookout::drop(std::vector<waiter>& all) {
    for (auto* list : {&watches_, &with_news_}) {
        for (watch* w : *list) {
            if (w->waits) all.push_back(*std::exchange(w->waits, std::nullopt));
        }
    }
    with_news_.clear();
}

void lookout::watch::interrupt() noexcept {
    if (!waiting) return;
    interrupted = true;
    if (listed) place->end(*this, watched::interrupted);
}

asio::awaitable<void> lookout::watch::over() {
    const auto keep = [this](waiter w) {
        auto slot = asio::get_associated_cancellation_slot(w);
        if (slot.is_connected()) slot.assign([this](asio::cancellation_type) { interrupt(); });
        waits.emplace(std::move(w));
        if (!listed) asio::post(*std::exchange(waits, std::nullopt));
    };
    return asio::async_initiate<const asio::use_awaitable_t<>, void()>(keep, asio::use_awaitable);
}

void lookout::go_round() {
    asio::defer(executor_, [self = shared_from_this()] { self->slice(); });
}

void lookout::slice() {
    auto now = clock::now();
    const auto slice_end = now + slice_length;
    bool found = false;
    do {
        const int rounds = watches_.size() < few ? 4 : 1;
        for (int i = 0; i < rounds && !found; ++i) {
            found = look_at_all();
            relax();
        }
        const auto before = std::exchange(now, clock::now());
        if (has_lost_cpu(now - before)) note_lost_cpu();
    } while (!found && now < slice_end);
    if (found) last_news_ = now;
    send_to_sleep();
    going_round_ = !watches_.empty() || !with_news_.empty();
    if (!going_round_) return;
    // To a peer that waits for this CPU. Who looks at memory knows whether there is one.
    const auto costly = [](const watch* w) { return w->costly; };
    if (!found && std::ranges::any_of(watches_, costly)) give_cpu();
    try {
        go_round();
    } catch (const std::bad_alloc&) {  // then all sleep
        going_round_ = false;
        while (!watches_.empty())
            end(*watches_.back(), watched::nothing);
    }
    resume();
}

// Here and now: nobody needs a trip of his own to take his news. The next slice is on its way
// already, whatever they throw.
void lookout::resume() {
    while (!with_news_.empty()) {
        watch& w = *with_news_.back();
        with_news_.pop_back();
        if (w.waits) asio::dispatch(*std::exchange(w.waits, std::nullopt));
    }
}

// A look may end any watch, its own included: a write that fails interrupts both of its endpoint.
bool lookout::look_at_all() {
    bool found = false;
    for (std::size_t i = watches_.size(); i-- != 0; i = std::min(i, watches_.size())) {
        watch& w = *watches_[i];
        if (!w.look()) continue;
        if (w.listed) end(w, watched::news);
        found = true;
    }
    return found;
}

void lookout::note_lost_cpu() noexcept {
    for (auto* list : {&watches_, &with_news_}) {
        for (watch* w : *list)
            w->lost_cpu = true;
    }
}

// Those whose time is over; all of them, if another lookout of this context has taken over.
void lookout::send_to_sleep() {
    const bool on_duty = others_.on_duty.load(std::memory_order_relaxed) == this;
    const auto now = clock::now();
    const bool at_work = now < last_news_ + slices_without_news * slice_length;
    for (std::size_t i = watches_.size(); i-- != 0;) {
        watch& w = *watches_[i];
        if (!on_duty) {
            end(w, watched::replaced);
        } else if (now >= (at_work && !w.costly ? w.until_at_most : w.until)) {
            end(w, watched::nothing);
        }
    }
}

}  // namespace remora::detail
