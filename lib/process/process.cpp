// SPDX-License-Identifier: MIT
#include <remora/process.hpp>

#include "process/child.hpp"
#include "process/spawn.hpp"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace remora {

child::child(asio::any_io_executor executor, const spawn_options& options)
    : state_(std::make_shared<state>()) {
    const auto watching = std::make_shared<watcher>(executor, state_);
    state_->watch = watching;
    // Before the spawn: a child may be over at once.
    watching->catch_sigchld();
    try {
        state_->pid = detail::spawn(options);
        state_->leads_group = options.group != process_group::shared;
        state_->pidfd.reset(static_cast<int>(::syscall(SYS_pidfd_open, state_->pid, 0)));
        watching->prepare(state_->pidfd);
        // Other threads may run the context: from here on all is done on the executor.
        asio::dispatch(executor, [watching] { watching->start(); });
    } catch (...) {
        state_->kill_and_reap();
        watching->stop();
        throw;
    }
}

child::~child() {
    if (state_) state_->kill_and_reap();
}

child::child(child&& other) noexcept = default;

child& child::operator=(child&& other) noexcept {
    if (this != &other) {
        if (state_) state_->kill_and_reap();
        state_ = std::move(other.state_);
    }
    return *this;
}

pid_t child::pid() const {
    return state_->pid;
}

std::optional<exit_status> child::status() const {
    return state_->status;
}

asio::awaitable<exit_status> child::wait() {
    return state::wait(state_);
}

void child::try_reap() {
    state_->reap(WNOHANG);
}

bool child::signal(int number) {
    return state_->send(number);
}

bool child::terminate() {
    return signal(SIGTERM);
}

bool child::kill() {
    return signal(SIGKILL);
}

}  // namespace remora
