// SPDX-License-Identifier: MIT
#include "client/main_coroutine.hpp"

#include "base/exceptions.hpp"
#include "base/print_line.hpp"

namespace remora::detail {

int say(const std::string& what, int code) {
    print_line("remora: " + what);
    return code;
}

void main_coroutine::start(std::function<asio::awaitable<int>()> app) {
    auto done = [self = shared_from_this(), app](std::exception_ptr why, int value) {
        self->failure = first_of(why);
        self->code = value;
        self->set(self->finished);
    };
    const std::shared_ptr<canceller> stopping(shared_from_this(), &stop);
    asio::co_spawn(io, canceller::run(stopping, app()),
                   asio::bind_cancellation_slot(stop.slot(), std::move(done)));
}

void main_coroutine::stop_requested() {
    goodbye = true;
    stop.cancel();
}

void main_coroutine::server_lost() {
    gone = true;
    if (policy.what == server_gone_policy::kind::stay) return;
    limit_timer.expires_after(unwinding);
    limit_timer.async_wait([self = shared_from_this()](std::error_code ec) {
        if (!ec) self->set(self->finished);
    });
    stop.cancel();
}

// For pipes on a context that nobody runs any more.
void main_coroutine::give_up_after(std::chrono::nanoseconds time) {
    limit_timer.expires_after(time);
    limit_timer.async_wait([self = shared_from_this()](std::error_code ec) {
        if (!ec) self->set(self->left);
    });
}

// In one go: Asio keeps the memory of past operations for the next ones only within a call.
void main_coroutine::run_until(const bool& done) {
    if (io.stopped()) io.restart();
    if (done) return;
    awaited = &done;
    io.run();
    awaited = nullptr;
    if (done) io.restart();
}

void main_coroutine::set(bool& flag) {
    flag = true;
    if (awaited == &flag) io.stop();
}

int main_coroutine::exit_code(const std::optional<error>& of_client) const {
    if (gone && of_client && policy.what != server_gone_policy::kind::stay) {
        return say(of_client->what(), code_no_server);
    }
    if (failure) return code_of_failure();
    if (!finished) return say("the context was stopped before the app had ended", code_exception);
    return code;
}

int main_coroutine::code_of_failure() const {
    try {
        std::rethrow_exception(failure);
    } catch (const std::system_error& e) {
        if (e.code() == errc::server_gone) return say(e.what(), code_no_server);
        if (e.code() == asio::error::operation_aborted && goodbye) return code_goodbye;
        return say(e.what(), code_exception);
    } catch (const std::exception& e) {
        return say(std::string("an exception has left the app's coroutine: ") + e.what(),
                   code_exception);
    } catch (...) {
        return say("an exception has left the app's coroutine", code_exception);
    }
}

bool main_coroutine::failed_without_server() const try {
    if (failure) std::rethrow_exception(failure);
    return false;
} catch (const std::system_error& e) {
    return e.code() == errc::server_gone;
} catch (...) {
    return false;
}

}  // namespace remora::detail
