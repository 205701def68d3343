// SPDX-License-Identifier: MIT
#include "server/app_child.hpp"

#include <remora/error.hpp>

#include <signal.h>

namespace remora::detail {

app_child::app_child(const asio::any_io_executor& strand, const spawn_options& how,
                     const event_hook& emit)
    : strand_(strand),
      emit_(emit),
      in_own_group_(how.group != process_group::shared),
      process_(strand, how) {
}

void app_child::said_hello(int pid) {
    if (pid == process_.pid()) return;
    forked_app_ = foreign_process::find_descendant(strand_, pid, process_.pid());
    app_is_lost_ = !forked_app_;
}

void app_child::signal(int number) {
    // Through the child, as long as that lives. A launcher may have moved the app into another
    // group: at the last it is killed there.
    const bool group_reaches_it = in_own_group_ && !process_.status() && number != SIGKILL;
    for (const int each : {number, SIGCONT}) {
        send_to(process_, each);
        if (forked_app_ && !group_reaches_it) send_to(*forked_app_, each);
        if (number != SIGTERM) break;  // one that is stopped acts on it only when it goes on
    }
}

// An app that has changed its user cannot be signalled; its end is waited for all the same.
template <class Process>
void app_child::send_to(Process& process, int number) {
    try {
        process.signal(number);
    } catch (const error& e) {
        emit_({.kind = event_kind::stopping, .pid = pid(), .code = e.code(), .text = e.context()});
    }
}

void app_child::kill_forked_app() noexcept try {
    if (forked_app_) forked_app_->signal(SIGKILL);
} catch (const std::exception&) {  // not permitted
}

// It may have said hello only after the last signal was sent.
asio::awaitable<void> app_child::wait_forked_app(bool kill) {
    if (!forked_app_) co_return;
    if (kill) send_to(*forked_app_, SIGKILL);
    co_await forked_app_->wait();
}

}  // namespace remora::detail
