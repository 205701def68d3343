// SPDX-License-Identifier: MIT
#include <remora/server.hpp>

#include "server/app_run.hpp"

#include <remora/run_on.hpp>

namespace remora {

using detail::app_run;

asio::any_io_executor app_process::get_executor() const noexcept {
    return core_->executor();
}

int app_process::pid() const noexcept {
    return core_->pid();
}

namespace {
void stop_run(const std::shared_ptr<app_run>& core, stop_step first,
              std::chrono::nanoseconds grace) {
    asio::dispatch(core->strand(), [core, first, grace] { core->stop(first, grace); });
}
}  // namespace

asio::awaitable<exit_status> app_process::exited() const {
    return run_on(core_->strand(), app_run::exited(core_));
}

asio::awaitable<run_result> app_process::result() const {
    return run_on(core_->strand(), app_run::result(core_));
}

void app_process::terminate() const {
    stop_run(core_, stop_step::goodbye, core_->stop_timeout());
}

void app_process::terminate(std::chrono::nanoseconds stop_timeout) const {
    stop_run(core_, stop_step::goodbye, stop_timeout);
}

void app_process::kill() const {
    stop_run(core_, stop_step::sigkill, {});
}

}  // namespace remora
