// SPDX-License-Identifier: MIT
#include <remora/detail/call/pipe_end.hpp>

#include "transport/transport.hpp"

#include <remora/detail/call/call_session.hpp>

#include <utility>

namespace remora::detail {

void check_call_timeout(std::chrono::nanoseconds limit) {
    if (limit > limit.zero()) return;
    raise(errc::bad_option, "call_timeout is " + std::to_string(limit.count()) +
                                " ns: every call would fail; max() is no limit");
}

pipe_end::pipe_end(asio::any_io_executor executor, std::unique_ptr<detail::transport> transport,
                   std::string name, const pipe_limits& limits, errc gone, wait_policy waiting)
    : pipe_state(std::move(executor), std::move(transport), std::move(name), limits, gone,
                 waiting) {
}

pipe_end::~pipe_end() = default;

}  // namespace remora::detail
