// SPDX-License-Identifier: MIT
#include <remora/server.hpp>

#include "server/app_run.hpp"

#include <remora/run_on.hpp>

namespace remora {

using detail::app_run;

asio::any_io_executor app_process::get_executor() const noexcept {
    return run_->executor();
}

int app_process::pid() const noexcept {
    return run_->pid();
}

namespace {
void stop_run(const std::shared_ptr<app_run>& run, stop_step first,
              std::chrono::nanoseconds grace) {
    asio::dispatch(run->strand(), [run, first, grace] { run->stop(first, grace); });
}
}  // namespace

asio::awaitable<exit_status> app_process::exited() const {
    return run_on(run_->strand(), app_run::exited(run_));
}

asio::awaitable<run_result> app_process::result() const {
    return run_on(run_->strand(), app_run::result(run_));
}

void app_process::terminate() const {
    stop_run(run_, stop_step::goodbye, run_->stop_timeout());
}

void app_process::terminate(std::chrono::nanoseconds stop_timeout) const {
    stop_run(run_, stop_step::goodbye, stop_timeout);
}

void app_process::kill() const {
    stop_run(run_, stop_step::sigkill, {});
}

}  // namespace remora
