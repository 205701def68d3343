// SPDX-License-Identifier: MIT
#include "nats/worker_core.hpp"

#include <remora/error.hpp>

#include <utility>

namespace remora::nats {

worker::worker(const asio::any_io_executor& executor, const remora::service& service,
               const worker_options& options)
    : core_(std::make_shared<worker_core>(executor, service, options)) {
    core_->open();
}

worker& worker::operator=(worker&& other) noexcept {
    if (core_) core_->stop();
    core_ = std::move(other.core_);
    return *this;
}

worker::~worker() {
    if (core_) core_->stop();
}

asio::awaitable<void> worker::close() {
    return worker_core::close(core_);
}

asio::awaitable<void> worker::finish() {
    return worker_core::finish(core_);
}

}  // namespace remora::nats
