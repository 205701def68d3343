// SPDX-License-Identifier: MIT
// client::run: the life of an app's main coroutine.
#include "base/exceptions.hpp"
#include "base/executors.hpp"
#include "base/print_line.hpp"
#include "client/client_core.hpp"
#include "process/parent_watchdog.hpp"

#include <remora/detail/base/canceller.hpp>

#include <exception>

namespace remora {
namespace {

using namespace std::chrono_literals;

// After sysexits.h: EX_UNAVAILABLE and EX_SOFTWARE; 143 is what a shell makes of SIGTERM.
constexpr int code_no_server = 69;
constexpr int code_exception = 70;
constexpr int code_goodbye = 143;

// How long a cancelled app may take to unwind before run() returns without it.
constexpr auto unwinding = 250ms;

int say(const char* what, int code) {
    detail::print_line(std::string("remora: ") + what);
    return code;
}

// What run() and its handlers share: handlers may outlive run().
struct app_life : std::enable_shared_from_this<app_life> {
    app_life(asio::io_context& context, const client_options& client)
        : io(context), policy(client.on_server_gone), limit(context) {}

    void start(std::function<asio::awaitable<int>()> app);
    void say_goodbye();
    void lose_server();
    void give_up_after(std::chrono::nanoseconds time);
    void run_until(const bool& done);
    void set(bool& flag);
    int exit_code(const std::optional<error>& of_client) const;
    int code_of_failure() const;
    bool failed_without_server() const;

    asio::io_context& io;
    server_gone_policy policy;
    detail::canceller stop;
    asio::steady_timer limit;
    int code = 0;
    std::exception_ptr failure;
    bool finished = false;
    bool left = false;
    bool goodbye = false;
    bool gone = false;
    const bool* awaited = nullptr;  ///< by run_until
};

void app_life::start(std::function<asio::awaitable<int>()> app) {
    auto done = [self = shared_from_this(), app](std::exception_ptr why, int value) {
        self->failure = detail::first_of(why);
        self->code = value;
        self->set(self->finished);
    };
    const std::shared_ptr<detail::canceller> stopping(shared_from_this(), &stop);
    asio::co_spawn(io, detail::canceller::run(stopping, app()),
                   asio::bind_cancellation_slot(stop.slot(), std::move(done)));
}

void app_life::say_goodbye() {
    goodbye = true;
    stop.cancel();
}

void app_life::lose_server() {
    gone = true;
    if (policy.what == server_gone_policy::kind::stay) return;
    limit.expires_after(unwinding);
    limit.async_wait([self = shared_from_this()](std::error_code ec) {
        if (!ec) self->set(self->finished);
    });
    stop.cancel();
}

// For pipes on a context that nobody runs any more.
void app_life::give_up_after(std::chrono::nanoseconds time) {
    limit.expires_after(time);
    limit.async_wait([self = shared_from_this()](std::error_code ec) {
        if (!ec) self->set(self->left);
    });
}

// In one go: Asio keeps the memory of past operations for the next ones only within a call.
void app_life::run_until(const bool& done) {
    if (io.stopped()) io.restart();
    if (done) return;
    awaited = &done;
    io.run();
    awaited = nullptr;
    if (done) io.restart();
}

void app_life::set(bool& flag) {
    flag = true;
    if (awaited == &flag) io.stop();
}

int app_life::exit_code(const std::optional<error>& of_client) const {
    if (gone && of_client && policy.what != server_gone_policy::kind::stay) {
        return say(of_client->what(), code_no_server);
    }
    if (failure) return code_of_failure();
    if (!finished) return say("the context was stopped before the app had ended", code_exception);
    return code;
}

int app_life::code_of_failure() const {
    try {
        std::rethrow_exception(failure);
    } catch (const std::system_error& e) {
        if (e.code() == errc::server_gone) return say(e.what(), code_no_server);
        if (e.code() == asio::error::operation_aborted && goodbye) return code_goodbye;
        return say(e.what(), code_exception);
    } catch (const std::exception& e) {
        return say(e.what(), code_exception);
    } catch (...) {
        return say("the app ended with an exception", code_exception);
    }
}

bool app_life::failed_without_server() const try {
    if (failure) std::rethrow_exception(failure);
    return false;
} catch (const std::system_error& e) {
    return e.code() == errc::server_gone;
} catch (...) {
    return false;
}

// Ties the client to a life, for as long as run() lasts.
class tie {
public:
    tie(detail::client_core& core, const std::shared_ptr<app_life>& life) : core_(core) {
        if (life->policy.what == server_gone_policy::kind::end_within) {
            parent_watchdog_.emplace(core.control_fd(), life->policy.limit);
            core.on_server_known = [this](int pidfd) { parent_watchdog_->watch(pidfd); };
            if (core.server_pidfd() >= 0) parent_watchdog_->watch(core.server_pidfd());
        }
        core.on_gone = [life] { life->lose_server(); };
        core.on_goodbye = [life] { life->say_goodbye(); };
    }
    ~tie() { core_.on_gone = core_.on_goodbye = nullptr, core_.on_server_known = nullptr; }
    tie(const tie&) = delete;
    tie& operator=(const tie&) = delete;

private:
    detail::client_core& core_;
    std::optional<detail::parent_watchdog> parent_watchdog_;
};

}  // namespace

int client::run_app(app_function app) {
    if (core_->failure()) return say(core_->failure()->what(), code_no_server);
    asio::io_context* const io = detail::context_of(core_->executor());
    if (io == nullptr) {
        return say("client.run() needs a client that was made with an io_context", code_exception);
    }
    const auto life = std::make_shared<app_life>(*io, core_->options());
    const tie tied(*core_, life);
    life->start(std::move(app));
    if (core_->is_stopping() && !core_->options().on_goodbye) life->say_goodbye();
    life->run_until(life->finished);
    life->limit.cancel();
    if (core_->server_is_gone()) {
        while (!core_->directory_removed() && io->run_one() != 0) {
        }
    } else {
        life->give_up_after(core_->options().linger + unwinding);
        asio::co_spawn(core_->strand(), detail::client_core::leave(core_),
                       [life](std::exception_ptr) { life->set(life->left); });
        life->run_until(life->left);
        life->limit.cancel();
        // A pipe may have told of the server's end before the control pipe did.
        if (life->failed_without_server()) {
            asio::co_spawn(core_->strand(), detail::client_core::remove_server_directory(core_),
                           asio::detached);
            while (!core_->directory_removed() && io->run_one() != 0) {
            }
        }
    }
    return life->exit_code(core_->failure());
}

}  // namespace remora
