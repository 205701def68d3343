// SPDX-License-Identifier: MIT
#include "nats/gateway_core.hpp"

#include <utility>

namespace remora::nats {

gateway::gateway(const asio::any_io_executor& executor, const gateway_options& options)
    : core_(std::make_shared<gateway_core>(executor, options)) {
}

gateway& gateway::operator=(gateway&& other) noexcept {
    if (core_) core_->close();
    core_ = std::move(other.core_);
    return *this;
}

gateway::~gateway() {
    if (core_) core_->close();
}

remora::service gateway::service(service_options options) const {
    return remora::service(options).on_any(
        [core = core_](any_call call) { return core->pass_on(std::move(call)); });
}

}  // namespace remora::nats
