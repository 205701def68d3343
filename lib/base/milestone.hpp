// SPDX-License-Identifier: MIT
/// Something that happens once, and the coroutines that wait for it. Belongs to one strand.
#pragma once

#include "base/listed.hpp"

#include <memory>
#include <system_error>

namespace remora::detail {

class milestone {
public:
    explicit operator bool() const noexcept { return reached_; }

    void reach() {
        reached_ = true;
        for (asio::steady_timer* waiter : waiting_)
            waiter->cancel();
    }

    /// Completes when it is reached, at once if it is already. Runs on the strand. Cancelling
    /// (`operation_aborted`) ends only this wait.
    static asio::awaitable<void> wait(std::shared_ptr<milestone> self) {
        asio::steady_timer timer(co_await asio::this_coro::executor,
                                 asio::steady_timer::time_point::max());
        const listed waiting(self->waiting_, timer);
        if (*self) co_return;
        std::error_code ec;
        co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ec));
        if (!*self) throw std::system_error(asio::error::operation_aborted);
    }

private:
    bool reached_ = false;
    std::vector<asio::steady_timer*> waiting_;
};

}  // namespace remora::detail
