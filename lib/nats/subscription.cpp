// SPDX-License-Identifier: MIT
#include "nats/subscription.hpp"

#include "nats/connecting.hpp"

#include <remora/error.hpp>

#include <charconv>
#include <mutex>
#include <new>
#include <utility>

namespace remora::nats {
std::uint64_t number_of(std::string_view subject) {
    const auto digits = subject.substr(subject.rfind('.') + 1);
    std::uint64_t number = 0;
    const auto end = std::from_chars(digits.begin(), digits.end(), number);
    return end.ec == std::errc() && end.ptr == digits.end() ? number : 0;
}

/// Lives while it delivers.
struct subscription::queue {
    queue(function f, std::shared_ptr<messages_to_destroy> with)
        : take(std::move(f)), destroys_with(std::move(with)) {}

    void deliver() {
        std::uint64_t waiting = 0;
        while (nats != nullptr && natsSubscription_QueuedMsgs(nats, &waiting) == NATS_OK &&
               waiting != 0) {
            natsMsg* next = nullptr;
            const auto status = natsSubscription_NextMsg(&next, nats, 0);
            if (status == NATS_OK)
                take(received(next, {destroys_with}));
            else if (status != NATS_NO_RESPONDERS)
                break;
        }
    }

    const function take;
    const std::shared_ptr<messages_to_destroy> destroys_with;
    natsSubscription* nats = nullptr;  ///< null when it is closed
};

subscription::subscription(connection& on, const std::string& subject, const std::string& group,
                           function take)
    : on_(on), queue_(std::make_shared<queue>(std::move(take), on.destroys_with())) {
    on_.subscriptions_.push_back(this);
    const auto status = group.empty()
                            ? natsConnection_SubscribeSync(&queue_->nats, on.get(), subject.c_str())
                            : natsConnection_QueueSubscribeSync(&queue_->nats, on.get(),
                                                                subject.c_str(), group.c_str());
    if (status != NATS_OK) std::erase(on_.subscriptions_, this);
    check(status, "subscribing to " + subject);
    natsSubscription_SetPendingLimits(queue_->nats, -1, -1);
}

subscription::~subscription() {
    std::erase(on_.subscriptions_, this);
    natsSubscription_Destroy(std::exchange(queue_->nats, nullptr));
}

void subscription::drain() {
    is_over_ = natsSubscription_Drain(queue_->nats) != NATS_OK;
}

bool subscription::is_drained() const {
    std::uint64_t waiting = 0;
    if (is_over_) return true;
    return natsSubscription_DrainCompletionStatus(queue_->nats) != NATS_ILLEGAL_STATE &&
           (natsSubscription_QueuedMsgs(queue_->nats, &waiting) != NATS_OK || waiting == 0);
}

void subscription::deliver() {
    const auto kept = queue_;
    kept->deliver();
}

/// Kept by libnats until its thread has ended.
struct unserved_requests::teller : std::enable_shared_from_this<teller> {
    using function = std::function<void(std::uint64_t)>;

    teller(asio::any_io_executor where, function f)
        : executor(std::move(where)), tell(std::move(f)) {}

    // On a thread of libnats. The mutex is held while it posts: after close() nothing is posted.
    void arrived(const received& what) noexcept try {
        if (!natsMsg_IsNoResponders(what.get())) return;
        std::string_view subject = natsMsg_GetSubject(what.get());
        subject.remove_suffix(nobody.size());
        const std::lock_guard lock(mutex);
        if (is_closed) return;
        asio::post(executor, [me = shared_from_this(), number = number_of(subject)] {
            if (!me->is_closed) me->tell(number);
        });
    } catch (const std::bad_alloc&) {  // the call fails when no worker shows any life
    }
    void close() {
        const std::lock_guard lock(mutex);
        is_closed = true;  // written on the executor only
        executor = {};     // libnats may keep this longer than the context lives
    }

    asio::any_io_executor executor;
    const function tell;
    std::mutex mutex;
    bool is_closed = false;
};

unserved_requests::unserved_requests(const connection& on, const std::string& inbox,
                                     const asio::any_io_executor& executor,
                                     std::function<void(std::uint64_t)> tell)
    : teller_(std::make_shared<teller>(executor, std::move(tell))) {
    using kept = std::shared_ptr<teller>;
    auto keeper = std::make_unique<kept>(teller_);
    const natsMsgHandler call = [](natsConnection*, natsSubscription*, natsMsg* m, void* to) {
        (*static_cast<kept*>(to))->arrived(received(m));
    };
    const auto subject = inbox + ".*" + std::string(nobody);
    check(natsConnection_Subscribe(&nats_, on.get(), subject.c_str(), call, keeper.get()),
          "subscribing to " + subject);
    natsSubscription_SetPendingLimits(nats_, -1, -1);
    natsSubscription_SetOnCompleteCB(
        nats_, [](void* to) { delete static_cast<kept*>(to); }, keeper.release());
}

unserved_requests::~unserved_requests() {
    teller_->close();
    natsSubscription_Destroy(nats_);
}

}  // namespace remora::nats
