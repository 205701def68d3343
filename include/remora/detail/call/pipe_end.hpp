// SPDX-License-Identifier: MIT
/// One end of a connection: a pipe, and the calls over it.
#pragma once

#include <remora/detail/pipe/pipe_state.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace remora::detail {

/// Throws bad_option for a default time limit with which every call would fail.
void check_call_timeout(std::chrono::nanoseconds limit);

class call_session;
class caller;
class dispatcher;
struct calls_shared;

/// What the handle `pipe` and the operations in progress share.
class pipe_end final : public pipe_state {
public:
    pipe_end(asio::any_io_executor executor, std::unique_ptr<transport> transport, std::string name,
             const pipe_limits& limits, errc gone, wait_policy waiting = wait_policy::block);
    ~pipe_end() override;

    pipe_counts counts() const noexcept;

    std::shared_ptr<pipe_end> shared_from_this() {
        return std::static_pointer_cast<pipe_end>(pipe_state::shared_from_this());
    }

    // The parts of `session`, null while there are none.
    detail::caller* caller = nullptr;
    detail::dispatcher* dispatcher = nullptr;
    calls_shared* shared = nullptr;
    /// The calls of this end, once there are any: then this is what receives.
    std::unique_ptr<call_session> session;
    /// How long a call takes at most that says nothing of its own.
    std::chrono::nanoseconds default_timeout = std::chrono::nanoseconds::max();
    /// In a server, of the app; 0 elsewhere.
    std::uint32_t life = 0;
    /// Told why a message was dropped, once for each of the first types; empty: nobody is.
    std::function<void(const std::string& why)> on_dropped;
};

using end_ptr = std::shared_ptr<pipe_end>;

}  // namespace remora::detail
