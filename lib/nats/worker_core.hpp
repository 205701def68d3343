// SPDX-License-Identifier: MIT
/// What a worker has: the calls that it serves, and the pipe on which it calls its own service.
#pragma once

#include "call/possible_upload.hpp"
#include "nats/link_of_calls.hpp"

#include <remora/any.hpp>
#include <remora/detail/base/canceller.hpp>
#include <remora/detail/base/wait_queue.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace remora::nats {

class worker_core : public std::enable_shared_from_this<worker_core> {
public:
    worker_core(const asio::any_io_executor& executor, const remora::service& service,
                const worker_options& options);

    /// Begins to take calls.
    void open();
    /// Takes no call any more, and cancels those that it has.
    void stop();
    static asio::awaitable<void> close(std::shared_ptr<worker_core> me);
    static asio::awaitable<void> finish(std::shared_ptr<worker_core> me);

private:
    /// A call that is served.
    struct serving : remora::detail::upload_source {
        bool is_there() const noexcept override { return end->has_arrived(); }
        generator<any_value> items() override;

        received bytes;  ///< to which the request refers
        message request;
        std::shared_ptr<call_end> end;
        remora::detail::canceller stop;
    };
    using serving_ptr = std::shared_ptr<serving>;

    void on_request(received from);
    void on_message(received from, const message& what);
    void refuse(const std::string& peer);
    void start(const serving_ptr& call);
    void spawn(asio::awaitable<void> work, asio::cancellation_slot stop);
    void introduce_later(const serving_ptr& call);
    void introduce_all();
    asio::awaitable<void> serve(serving_ptr call);
    asio::awaitable<void> answer(serving_ptr call);
    asio::awaitable<void> pass_message_on(received from, message what);
    asio::awaitable<void> wait_idle();
    /// Until something has ended, or time has passed.
    asio::awaitable<void> wait_change(
        remora::detail::deadline until = remora::detail::deadline::max());

    const std::string subject_, group_;
    const std::size_t most_at_work_;
    const std::shared_ptr<link_of_calls> link_;
    std::optional<subscription> requests_;
    pipe near_, far_;  ///< it calls at the near end what is served at the far one
    std::vector<std::weak_ptr<call_end>> unknown_;  ///< ends whose gateway does not know them
    asio::steady_timer introducing_;
    std::size_t at_work_ = 0;  ///< calls and messages
    remora::detail::wait_queue idle_;
};

}  // namespace remora::nats
