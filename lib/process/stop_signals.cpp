// SPDX-License-Identifier: MIT
#include "process/stop_signals.hpp"

#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <utility>

namespace remora::detail {
namespace {

constexpr std::array numbers{SIGINT, SIGQUIT, SIGTERM, SIGHUP};
constexpr int most_unanswered = 2;

// Guarded by the mutex.
struct sharing {
    int runs = 0;
    struct sigaction asio_action{};  ///< the handler of Asio, which tells the sets
};
std::mutex mutex;
std::array<sharing, NSIG> shared;

// Used by the signal handler.
std::atomic<void (*)(int)> tell_sets = nullptr;
std::atomic<int> unanswered = 0;
std::array<std::atomic<bool>, NSIG> from_terminal{};
static_assert(std::atomic<void (*)(int)>::is_always_lock_free);
static_assert(std::atomic<int>::is_always_lock_free);

sharing& of(int signal) {
    return shared[static_cast<std::size_t>(signal)];
}

struct sigaction action_of(int signal) {
    struct sigaction now{};
    ::sigaction(signal, nullptr, &now);
    return now;
}

void set_default(int signal) {
    struct sigaction standard{};
    standard.sa_handler = SIG_DFL;
    ::sigaction(signal, &standard, nullptr);
}

// In front of Asio's handler. What it raises is acted on when it returns.
void on_signal(int signal, siginfo_t* info, void*) {
    if (info->si_code == SI_KERNEL) from_terminal[static_cast<std::size_t>(signal)] = true;
    if (++unanswered <= most_unanswered) return tell_sets.load()(signal);
    set_default(signal);
    ::raise(signal);
}

bool is_ours(const struct sigaction& action) {
    return (action.sa_flags & SA_SIGINFO) != 0 && action.sa_sigaction == on_signal;
}

bool may_catch(int signal) {
    const struct sigaction now = action_of(signal);
    return is_ours(now) || ((now.sa_flags & SA_SIGINFO) == 0 && now.sa_handler == SIG_DFL);
}

// Asio has just installed its handler.
void install(int signal) {
    of(signal).asio_action = action_of(signal);
    tell_sets = of(signal).asio_action.sa_handler;
    unanswered = 0;
    from_terminal[static_cast<std::size_t>(signal)] = false;
    struct sigaction ours = of(signal).asio_action;
    ours.sa_sigaction = on_signal;
    ours.sa_flags |= SA_SIGINFO;
    ::sigaction(signal, &ours, nullptr);
}

}  // namespace

const std::vector<int>& stop_signals::catch_all() {
    const std::lock_guard lock(mutex);
    for (const int signal : numbers) {
        if (!may_catch(signal)) continue;
        set_.add(signal);
        caught_.push_back(signal);
        if (of(signal).runs++ == 0) install(signal);
    }
    return caught_;
}

asio::awaitable<int> stop_signals::next() {
    std::error_code ec;
    const int signal = co_await set_.async_wait(asio::redirect_error(asio::use_awaitable, ec));
    unanswered = 0;
    co_return ec ? 0 : signal;
}

bool stop_signals::came_from_terminal(int signal) const {
    return std::ranges::find(caught_, signal) != caught_.end() &&
           from_terminal[static_cast<std::size_t>(signal)];
}

void stop_signals::release() {
    const std::lock_guard lock(mutex);
    std::error_code ignored;
    set_.cancel(ignored);  // else the wait has no end
    for (const int signal : std::exchange(caught_, {})) {
        const struct sigaction now = action_of(signal);
        const bool last = --of(signal).runs == 0;
        // Sets of the host's may still have it.
        if (last && is_ours(now)) ::sigaction(signal, &of(signal).asio_action, nullptr);
        set_.remove(signal, ignored);  // the last one sets the default action
        if (!is_ours(now)) ::sigaction(signal, &now, nullptr);
    }
}

void die_by(int signal) {
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
    set_default(signal);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal);
    ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
    ::raise(signal);
}

}  // namespace remora::detail
