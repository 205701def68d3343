// SPDX-License-Identifier: MIT
#include <remora/detail/call/pipe_end.hpp>

#include "transport/transport.hpp"

#include <remora/detail/call/call_session.hpp>

#include <utility>

namespace remora::detail {

void check_call_timeout(std::chrono::nanoseconds limit) {
    if (limit > limit.zero()) return;
    throw_error(errc::bad_option, "call_timeout is " + std::to_string(limit.count()) +
                                      " ns: every call would fail; max() is no limit");
}

pipe_end::pipe_end(asio::any_io_executor executor, std::unique_ptr<detail::transport> transport,
                   std::string name, const pipe_limits& limits, errc gone, wait_policy waiting)
    : pipe_state(std::move(executor), std::move(transport), std::move(name), limits, gone,
                 waiting) {
}

pipe_end::~pipe_end() = default;

pipe_counts pipe_end::counts() const noexcept {
    pipe_counts all{
        .queued = queued(), .peak_queued = peak_queued(), .sent = sent(), .received = received()};
    if (!session) return all;
    all.calls = caller->calls();
    all.running_handlers = dispatcher->running();
    all.dropped = caller->dropped() + dispatcher->dropped();
    all.calls_made = caller->made();
    all.calls_failed = caller->failed();
    all.calls_served = dispatcher->answers();
    all.served_failed = dispatcher->failures();
    return all;
}

}  // namespace remora::detail
