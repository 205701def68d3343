// SPDX-License-Identifier: MIT
#include "nats/connection.hpp"

#include "nats/connecting.hpp"
#include "nats/subscription.hpp"

#include <remora/call.hpp>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>
#include <utility>

namespace remora::nats {
namespace {

constexpr std::size_t most_unsent = 1 << 20;

const std::string& checked_prefix(const std::string& prefix) {
    const bool is_fine =
        prefix.size() > 1 && prefix.size() <= 200 && prefix.ends_with('.') &&
        std::ranges::all_of(prefix, [](char c) { return c > ' ' && c != '*' && c != '>'; });
    if (!is_fine)
        remora::detail::throw_error(errc::bad_option, "NATS: an inbox prefix " + quote(prefix));
    return prefix;
}

natsStatus publish_now(natsConnection* to, const std::string& subject, const std::string& reply_to,
                       std::span<const std::byte> bytes) {
    const int size = static_cast<int>(bytes.size());
    if (reply_to.empty()) return natsConnection_Publish(to, subject.c_str(), bytes.data(), size);
    return natsConnection_PublishRequest(to, subject.c_str(), reply_to.c_str(), bytes.data(), size);
}

remote_error gone(const std::string& why) {
    return {failure_kind::gone, errc::broken_pipe, "NATS: " + why};
}

}  // namespace

/// Kept by libnats until it has told that.
struct connection::closing : std::enable_shared_from_this<closing> {
    closing(asio::any_io_executor where, std::function<void(const std::string&)> f)
        : executor(std::move(where)), tell(std::move(f)) {}

    // On a thread of libnats. The mutex is held while it posts: after stop() nothing is posted.
    static void closed(natsConnection* which, void* keeper) {
        const std::unique_ptr<std::shared_ptr<closing>> me(
            static_cast<std::shared_ptr<closing>*>(keeper));
        (*me)->closed(which);
    }
    void closed(natsConnection* which) noexcept try {
        const std::lock_guard lock(mutex);
        if (is_over) return;
        const char* last = nullptr;
        const auto status = natsConnection_GetLastError(which, &last);
        why = "the connection is closed for good: ";
        why += last != nullptr && *last != '\0' ? last : natsStatus_GetText(status);
        why += advice(status);
        is_closed = true;
        asio::post(executor, [me = shared_from_this()] {
            if (!me->is_over) me->tell(me->why);
        });
    } catch (const std::bad_alloc&) {
        is_closed = true;
    }
    void stop() {
        const std::lock_guard lock(mutex);
        is_over = true;  // written on the executor only
        executor = {};   // libnats may keep this longer than the context lives
    }

    asio::any_io_executor executor;
    const std::function<void(const std::string&)> tell;
    std::mutex mutex;
    std::string why;  ///< not changed any more when is_closed
    std::atomic<bool> is_closed{false};
    bool is_over = false;
};

connection::connection(const asio::any_io_executor& executor, const connection_options& options,
                       std::chrono::milliseconds lost_after,
                       std::function<void(const std::string&)> on_closed)
    : prefix_(checked_prefix(options.inbox_prefix)),
      closing_(std::make_shared<closing>(executor, std::move(on_closed))),
      loop_(std::make_shared<event_loop>(executor)) {
    const auto nats_options = to_nats(options, lost_after);
    loop_->put_into(nats_options.get());
    auto keeper = std::make_unique<std::shared_ptr<closing>>(closing_);
    check(natsOptions_SetClosedCB(nats_options.get(), &closing::closed, keeper.get()), "options");
    natsConnection* made = nullptr;
    const auto status = connect(made, nats_options.get(), options);
    nats_.reset(made);
    if (made != nullptr) static_cast<void>(keeper.release());
    if (status != NATS_OK) closing_->stop();
    check(status, "connecting to " + to_text(options.servers));
    max_payload_ = natsConnection_GetMaxPayload(made);
}

// What was sent leaves first, as far as the server takes it.
connection::~connection() {
    closing_->stop();
    loop_->stop();
    loop_->run(get(), std::chrono::milliseconds(patience),
               [&] { return !loop_->wants_write() || !is_connected(); });
    nats_.reset();
    loop_->wait_detached();
    loop_->close();
}

void connection::flush() {
    std::atomic<bool> is_done{false};
    natsStatus status = NATS_OK;
    std::thread flusher([&] {
        status = natsConnection_FlushTimeout(get(), 10 * patience);
        is_done = true;
    });
    loop_->run(get(), std::chrono::milliseconds(20 * patience), [&] { return is_done.load(); });
    flusher.join();
    check(status, "waiting for the server");
}

void connection::start() {
    loop_->start(get(), [this] { on_read(); }, [this] { on_attached(); });
}

std::string connection::make_inbox() const {
    natsInbox* made = nullptr;
    check(natsInbox_Create(&made), "an inbox");
    const std::string subject = made;
    natsInbox_Destroy(made);
    return prefix_ + subject.substr(subject.find('.') + 1);
}

std::string connection::reply_subject(const received& from) const {
    const char* const found = natsMsg_GetReply(from.get());
    const std::string_view subject = found == nullptr ? "" : found;
    return subject.starts_with(prefix_) ? std::string(subject) : "";
}

// Each may end others, and this connection.
void connection::on_read() {
    const auto loop = loop_;
    for (std::size_t i = 0; loop->is_started() && i < subscriptions_.size(); ++i)
        subscriptions_[i]->deliver();
}

void connection::on_attached() {
    max_payload_ = natsConnection_GetMaxPayload(get());
    unsent_bytes_ = 0;
    for (const auto& one : std::exchange(unsent_, {}))
        publish_now(get(), one.subject, one.reply_to, one.bytes);
}

void connection::check_sendable(std::size_t size) const {
    if (max_payload_ > 0 && size > static_cast<std::size_t>(max_payload_))
        throw remote_error(failure_kind::failed, errc::message_too_large,
                           "NATS: " + std::to_string(size) + " bytes, its server takes " +
                               std::to_string(max_payload_));
    if (closing_->is_closed) throw gone(closing_->why);
    if (loop_->stalled() > std::chrono::milliseconds(patience))
        throw gone("the server takes nothing");
}

void connection::hold(unsent what) {
    const auto size = what.bytes.size();
    if (unsent_bytes_ + size > most_unsent) throw gone("not connected");
    unsent_.push_back(std::move(what));
    unsent_bytes_ += size;
}

void connection::publish(const std::string& subject, const std::string& reply_to,
                         std::span<const std::byte> bytes, bool is_urgent) {
    check_sendable(bytes.size());
    if (!is_connected() || !unsent_.empty()) {
        if (is_urgent) throw gone("not connected");
        return hold({subject, reply_to, {bytes.begin(), bytes.end()}});
    }
    loop_->tend();
    const auto status = publish_now(get(), subject, reply_to, bytes);
    if (status != NATS_OK) throw gone(std::string("sending: ") + natsStatus_GetText(status));
}

void messages_to_destroy::add(natsMsg* m) noexcept {
    constexpr int most_bytes = 64 << 10;
    messages_[count_++] = m;
    bytes_ += natsMsg_GetDataLength(m);
    if (count_ == messages_.size() || bytes_ > most_bytes) destroy_all();
}

void messages_to_destroy::destroy_all() noexcept {
    std::for_each_n(messages_.begin(), count_, natsMsg_Destroy);
    count_ = 0;
    bytes_ = 0;
}

std::span<const std::byte> bytes_of(const received& from) {
    return std::as_bytes(std::span(natsMsg_GetData(from.get()),
                                   static_cast<std::size_t>(natsMsg_GetDataLength(from.get()))));
}

}  // namespace remora::nats
