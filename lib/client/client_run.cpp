// SPDX-License-Identifier: MIT
// client::run: the life of an app's main coroutine.
#include "base/executors.hpp"
#include "base/spawn_member.hpp"
#include "client/client_session.hpp"
#include "client/main_coroutine.hpp"
#include "process/parent_watchdog.hpp"

namespace remora {
namespace {

// Tells the main coroutine of the server, for as long as run() lasts.
class hooks_guard {
public:
    hooks_guard(detail::client_session& session,
                const std::shared_ptr<detail::main_coroutine>& main)
        : session_(session) {
        if (main->policy.what == server_gone_policy::kind::end_within) {
            parent_watchdog_.emplace(session.control().fd(), main->policy.limit);
            session.hooks.on_server_known = [this](int pidfd) { parent_watchdog_->watch(pidfd); };
            if (session.pidfd() >= 0) parent_watchdog_->watch(session.pidfd());
        }
        session.hooks.on_gone = [main] { main->server_lost(); };
        session.hooks.on_goodbye = [main] { main->stop_requested(); };
    }
    ~hooks_guard() { session_.hooks = {}; }
    hooks_guard(const hooks_guard&) = delete;
    hooks_guard& operator=(const hooks_guard&) = delete;

private:
    detail::client_session& session_;
    std::optional<detail::parent_watchdog> parent_watchdog_;
};

}  // namespace

int client::run_app(app_function app) {
    if (session_->failure())
        return detail::say(session_->failure()->what(), detail::code_no_server);
    asio::io_context* const io = detail::context_of(session_->executor());
    if (io == nullptr) {
        return detail::say("client.run() needs a client that was made with an io_context",
                           detail::code_exception);
    }
    if (session_->is_leaving()) {
        return detail::say("client.run() may be called once: it has taken leave of the server",
                           detail::code_exception);
    }
    const auto main = std::make_shared<detail::main_coroutine>(*io, session_->options());
    const hooks_guard hooks(*session_, main);
    main->start(std::move(app));
    if (session_->control().is_stopping() && !session_->options().on_goodbye)
        main->stop_requested();
    main->run_until(main->finished);
    main->limit_timer.cancel();
    if (session_->is_gone()) {
        while (!session_->directory_removed() && io->run_one() != 0) {
        }
    } else {
        main->give_up_after(session_->options().linger + detail::unwinding);
        asio::co_spawn(session_->strand(), session_->leave(),
                       [main, session = session_](std::exception_ptr) { main->set(main->left); });
        main->run_until(main->left);
        main->limit_timer.cancel();
        // A pipe may have told of the server's end before the control pipe did.
        if (main->failed_without_server()) {
            detail::spawn_member(session_->strand(), session_, session_->remove_server_directory());
            while (!session_->directory_removed() && io->run_one() != 0) {
            }
        }
    }
    return main->exit_code(session_->failure());
}

}  // namespace remora
