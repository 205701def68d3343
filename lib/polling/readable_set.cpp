// SPDX-License-Identifier: MIT
#include "polling/readable_set.hpp"

#include "polling/per_executor.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <utility>

namespace remora::detail {
namespace {

constexpr std::size_t enough = 4;  // descriptors: for fewer Asio's own wait is as good
constexpr int most_events = 64;

}  // namespace

// The sets of a context.
class readable_set::registry : public asio::execution_context::service {
public:
    using key_type = registry;
    static asio::execution_context::id id;

    explicit registry(asio::execution_context& context) : service(context) {}
    // The coroutines that wait own what they wait for, and it owns them.
    void shutdown() override {
        std::vector<handler> dropped;
        all.for_each([&](readable_set& each) { each.drop(dropped); });
    }

    per_executor<readable_set> all;
};

asio::execution_context::id readable_set::registry::id;

std::shared_ptr<readable_set> readable_set::of(const asio::any_io_executor& executor) {
    auto& context = asio::query(executor, asio::execution::context);
    return asio::use_service<registry>(context).all.get_or_make(executor);
}

watched_descriptor::watched_descriptor(const asio::any_io_executor& executor, int fd)
    : set_(readable_set::of(executor)), fd_(fd) {
    set_->add(*this);
}

watched_descriptor::~watched_descriptor() {
    close();
}

bool watched_descriptor::can_wait() const noexcept {
    return is_in_epoll_ && !handler_ && set_->all_.size() >= enough;
}

asio::awaitable<void> watched_descriptor::wait() {
    const auto keep = [this](handler h) { begin_wait(std::move(h)); };
    return asio::async_initiate<const asio::use_awaitable_t<>, void()>(keep, asio::use_awaitable);
}

void watched_descriptor::begin_wait(handler h) {
    if (std::exchange(has_news_, false)) return asio::post(std::move(h));
    set_->wait_for_news();
    auto slot = asio::get_associated_cancellation_slot(h);
    if (slot.is_connected()) slot.assign([this](asio::cancellation_type) { cancel(); });
    handler_.emplace(std::move(h));
    ++set_->waits_;
}

// What waits for news resumes it.
void watched_descriptor::cancel() noexcept {
    if (!handler_) return;
    set_->end(*this);
    std::error_code ignored;
    set_->epoll_.cancel(ignored);
}

void watched_descriptor::close() noexcept {
    if (!set_) return;
    cancel();
    std::exchange(set_, nullptr)->remove(*this);
}

void readable_set::add(watched_descriptor& descriptor) {
    all_.reserve(all_.size() + 1);
    ended_.reserve(ended_.size() + all_.capacity());  // neither news nor cancel() allocates
    descriptor.index_ = all_.size();
    all_.push_back(&descriptor);
    if (epoll_.is_open()) return watch(descriptor);
    if (all_.size() >= enough) open();
}

void readable_set::remove(watched_descriptor& descriptor) noexcept {
    if (std::exchange(descriptor.is_in_epoll_, false))
        ::epoll_ctl(epoll_.native_handle(), EPOLL_CTL_DEL, descriptor.fd_, nullptr);
    all_[descriptor.index_] = all_.back();
    all_[descriptor.index_]->index_ = descriptor.index_;
    all_.pop_back();
}

// Where the system refuses it, each goes on alone.
void readable_set::open() {
    const int fd = ::epoll_create1(EPOLL_CLOEXEC);
    if (fd < 0) return;
    std::error_code refused;
    try {
        epoll_.assign(fd, refused);
    } catch (const std::bad_alloc&) {
        refused = std::make_error_code(std::errc::not_enough_memory);
    }
    if (refused) {
        ::close(fd);
        return;
    }
    for (watched_descriptor* each : all_)
        watch(*each);
}

void readable_set::watch(watched_descriptor& descriptor) noexcept {
    epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.ptr = &descriptor}};
    descriptor.is_in_epoll_ =
        ::epoll_ctl(epoll_.native_handle(), EPOLL_CTL_ADD, descriptor.fd_, &event) == 0;
}

void readable_set::wait_for_news() {
    if (waits_for_news_) return;
    epoll_.async_wait(asio::posix::stream_descriptor::wait_read,
                      [self = shared_from_this()](std::error_code) { self->go_on(); });
    waits_for_news_ = true;
}

void readable_set::take_news() noexcept {
    std::array<epoll_event, most_events> events;
    const int count = ::epoll_wait(epoll_.native_handle(), events.data(), most_events, 0);
    for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        auto& descriptor = *static_cast<watched_descriptor*>(event.data.ptr);
        if ((event.events & EPOLLHUP) != 0) descriptor.has_hung_up_ = true;
        if (descriptor.handler_) {
            end(descriptor);
        } else {
            descriptor.has_news_ = true;
        }
    }
}

void readable_set::end(watched_descriptor& descriptor) noexcept {
    --waits_;
    ended_.push_back(std::move(*descriptor.handler_));
    descriptor.handler_.reset();
}

void readable_set::go_on() {
    waits_for_news_ = false;
    take_news();
    try {
        if (waits_ != 0) wait_for_news();
    } catch (const std::bad_alloc&) {  // then all look for themselves
        for (watched_descriptor* each : all_) {
            if (each->handler_) end(*each);
        }
    }
    resume();
}

// Here and now: nobody needs another trip through the scheduler.
void readable_set::resume() try {
    while (!ended_.empty()) {
        auto last = std::move(ended_.back());
        ended_.pop_back();
        asio::get_associated_cancellation_slot(last).clear();
        asio::dispatch(std::move(last));
    }
} catch (...) {  // no memory, for a strand
    if (!ended_.empty()) asio::post(executor(), [self = shared_from_this()] { self->resume(); });
    throw;
}

void readable_set::drop(std::vector<handler>& all) {
    for (watched_descriptor* each : all_) {
        if (each->handler_) all.push_back(*std::exchange(each->handler_, std::nullopt));
    }
    for (handler& each : ended_)
        all.push_back(std::move(each));
    ended_.clear();
}

}  // namespace remora::detail
