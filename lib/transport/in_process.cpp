// SPDX-License-Identifier: MIT
#include "transport/in_process.hpp"

#include <remora/detail/base/wait_queue.hpp>

#include <algorithm>
#include <utility>
#include <vector>

namespace remora::detail {
namespace {

constexpr std::size_t room = 64 * 1024;

class in_process_transport final : public transport {
public:
    explicit in_process_transport(asio::any_io_executor executor)
        : executor_(std::move(executor)) {}
    in_process_transport(const in_process_transport&) = delete;
    in_process_transport& operator=(const in_process_transport&) = delete;
    ~in_process_transport() override { close(); }

    void connect(in_process_transport& to) noexcept {
        peer_ = &to;
        to.peer_ = this;
    }

    transport_kind kind() const noexcept override { return transport_kind::in_process; }
    fetched fetch(std::size_t wanted) override;
    std::size_t write(std::span<const std::byte> bytes) override;
    bool begin_wait(readiness what) override { return !is_ready(what); }
    asio::awaitable<void> wait(readiness what, std::error_code& ec) override;
    void cancel() noexcept override;
    void close() noexcept override;

private:
    std::size_t unread_by_peer() const noexcept { return peer_ ? peer_->arrived_.size() : lost_; }
    bool is_ready(readiness what) const noexcept;
    wait_queue& waiting_for(readiness what) noexcept {
        return waiting_[static_cast<std::size_t>(what)];
    }

    asio::any_io_executor executor_;
    in_process_transport* peer_ = nullptr;  ///< until one of both is closed
    std::vector<std::byte> arrived_;        ///< and was not fetched
    std::vector<std::byte> buffer_;         ///< the input is its end
    std::size_t lost_ = 0;                  ///< bytes written for a peer that is gone
    bool closed_ = false;
    wait_queue waiting_[3];
};

transport::fetched in_process_transport::fetch(std::size_t) {
    if (arrived_.empty()) return peer_ ? fetched::nothing : fetched::end;
    const auto used = static_cast<std::ptrdiff_t>(input_.size());
    if (used == 0) {
        buffer_.swap(arrived_);
    } else {
        buffer_.erase(buffer_.begin(), buffer_.end() - used);
        input_ = buffer_;
        buffer_.insert(buffer_.end(), arrived_.begin(), arrived_.end());
    }
    arrived_.clear();
    input_ = buffer_;
    if (peer_) peer_->waiting_for(readiness::writable).notify_all();
    return fetched::more;
}

std::size_t in_process_transport::write(std::span<const std::byte> bytes) {
    if (closed_) return 0;
    const std::size_t count = std::min(bytes.size(), room - unread_by_peer());
    if (!peer_) {
        lost_ += count;
        return count;
    }
    peer_->arrived_.insert(peer_->arrived_.end(), bytes.begin(),
                           bytes.begin() + static_cast<std::ptrdiff_t>(count));
    peer_->waiting_for(readiness::readable).notify_all();
    return count;
}

bool in_process_transport::is_ready(readiness what) const noexcept {
    switch (what) {
        case readiness::readable:
            return !arrived_.empty() || !peer_;
        case readiness::writable:
            return unread_by_peer() != room;
        case readiness::hung_up:
            break;
    }
    return !peer_;
}

asio::awaitable<void> in_process_transport::wait(readiness what, std::error_code& ec) {
    ec.clear();
    if (!closed_ && !is_ready(what)) {
        wait_queue::waiter mine(waiting_for(what), executor_);
        co_await mine.wait();
    }
    if (closed_ || !is_ready(what)) ec = asio::error::operation_aborted;
}

void in_process_transport::cancel() noexcept {
    for (wait_queue& waiting : waiting_)
        waiting.notify_all();
}

void in_process_transport::close() noexcept {
    closed_ = true;
    input_ = {};
    arrived_.clear();
    if (auto* const peer = std::exchange(peer_, nullptr)) {
        peer->peer_ = nullptr;
        peer->cancel();
    }
    cancel();
}

}  // namespace

std::pair<std::unique_ptr<transport>, std::unique_ptr<transport>> make_in_process_transports(
    const asio::any_io_executor& executor) {
    auto one = std::make_unique<in_process_transport>(executor);
    auto other = std::make_unique<in_process_transport>(executor);
    one->connect(*other);
    return {std::move(one), std::move(other)};
}

}  // namespace remora::detail
