// SPDX-License-Identifier: MIT
#include <remora/process.hpp>

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cerrno>
#include <utility>

#include <remora/error.hpp>

#include "base/listed.hpp"
#include "base/unique_fd.hpp"
#include "process/spawn.hpp"

namespace remora {

using detail::unique_fd;
using namespace std::chrono_literals;

// The child itself. It holds no Asio object, so that it may outlive the context.
struct child::state {
    pid_t pid = -1;
    bool leads_group = false;
    unique_fd pidfd;
    std::optional<exit_status> status;
    std::vector<asio::steady_timer*> waiters;
    std::weak_ptr<watcher> watch;

    ~state() { end(); }
    void reap(int flags);
    void finish(exit_status result);
    void end();
    bool send(int number);
    long send_directly(int number) const;
    static asio::awaitable<exit_status> wait(std::shared_ptr<state> self);
};

// What tells that the child has ended. Only its pending handlers own it: it dies with the context.
struct child::watcher : std::enable_shared_from_this<watcher> {
    watcher(const asio::any_io_executor& executor, std::weak_ptr<state> child)
        : owner(std::move(child)), sigchld(executor), pidfd(executor), again(executor) {}

    void prepare(const unique_fd& fd);
    void take_signals();
    void start();
    void stop();
    bool look();
    void await_signal();
    void await_pidfd();
    void look_again();

    std::weak_ptr<state> owner;
    asio::signal_set sigchld;
    asio::posix::stream_descriptor pidfd;
    asio::steady_timer again;
    bool takes_signals = false;
};

namespace {

// A handler that is there, the host's or that of another signal_set, stays; unless the kernel reaps
// the children by itself, so that every status would be lost.
bool may_take_sigchld() {
    struct sigaction action{};
    ::sigaction(SIGCHLD, nullptr, &action);
    if ((action.sa_flags & SA_NOCLDWAIT) != 0) return true;
    const bool simple = (action.sa_flags & SA_SIGINFO) == 0;
    return simple && (action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN);
}

long send_by(const unique_fd& pidfd, int number) {
    return ::syscall(SYS_pidfd_send_signal, pidfd.get(), number, nullptr, 0);
}

exit_status status_of(int word) {
    if (WIFSIGNALED(word)) return {exit_kind::signalled, WTERMSIG(word)};
    return {exit_kind::exited, WEXITSTATUS(word)};
}

}  // namespace

void child::state::reap(int flags) {
    if (status || pid < 0) return;
    int word = 0;
    pid_t result = 0;
    do {
        result = ::waitpid(pid, &word, flags);
    } while (result < 0 && errno == EINTR);
    if (result == pid)
        finish(status_of(word));
    else if (result < 0)
        finish({exit_kind::unknown, 0});
}

void child::state::finish(exit_status result) {
    status = result;
    for (asio::steady_timer* waiter : waiters)
        waiter->cancel();
    if (auto watching = watch.lock()) watching->stop();
}

bool child::state::send(int number) {
    if (status || pid < 0) return false;
    // Somebody else may have reaped it.
    if (leads_group && pidfd && send_by(pidfd, 0) < 0 && errno == ESRCH) return false;
    // Before the child is reaped nobody else gets its number, neither as a process nor as a group.
    long result = leads_group ? ::kill(-pid, number) : -1;
    // It may have left its group.
    if (!leads_group || number == SIGKILL || ::getpgid(pid) != pid) result = send_directly(number);
    if (result < 0 && errno != ESRCH)
        detail::raise_system(
            errno, "signal " + std::to_string(number) + " to process " + std::to_string(pid));
    return result == 0;
}

// By its number where there is no pidfd, or it may not be used.
long child::state::send_directly(int number) const {
    if (!pidfd) return ::kill(pid, number);
    const long result = send_by(pidfd, number);
    return result < 0 && errno != ESRCH ? ::kill(pid, number) : result;
}

void child::state::end() {
    if (status || pid < 0) return;
    reap(WNOHANG);
    try {
        send(SIGKILL);
    } catch (const error&) {
        // Not permitted: it runs as another user. It cannot be ended, nor waited for.
        finish({exit_kind::unknown, 0});
    }
    reap(0);
}

asio::awaitable<exit_status> child::state::wait(std::shared_ptr<state> self) {
    // A timer of one's own: cancelled by `finish`, and destroyed with this frame if the context
    // ends while it is suspended.
    asio::steady_timer reaped{co_await asio::this_coro::executor,
                              asio::steady_timer::time_point::max()};
    const detail::listed waiting(self->waiters, reaped);

    if (!self->status) {
        std::error_code ec;
        co_await reaped.async_wait(asio::redirect_error(asio::use_awaitable, ec));
        if (!self->status) throw std::system_error(asio::error::operation_aborted);
    }
    co_return *self->status;
}

// Before start(): nothing waits yet, so that it may be called from outside the executor.
void child::watcher::prepare(const unique_fd& fd) {
    unique_fd copy(fd ? ::fcntl(fd.get(), F_DUPFD_CLOEXEC, 3) : -1);
    if (!copy) return;
    pidfd.assign(copy.get());
    copy.release();
}

// A signal that comes before the first wait is kept for it.
void child::watcher::take_signals() {
    sigchld.add(SIGCHLD);
    takes_signals = true;
}

// On the executor. The child may have ended, or have been destroyed, since prepare().
void child::watcher::start() {
    if (look()) return;
    if (takes_signals) await_signal();
    if (pidfd.is_open())
        await_pidfd();
    else
        look_again();
}

void child::watcher::stop() {
    sigchld.cancel();
    sigchld.clear();
    again.cancel();
    if (pidfd.is_open()) pidfd.close();
}

bool child::watcher::look() {
    const auto child = owner.lock();
    if (child) child->reap(WNOHANG);
    return !child || child->status;
}

void child::watcher::await_signal() {
    sigchld.async_wait([self = shared_from_this()](const std::error_code& ec, int) {
        if (!ec && !self->look()) self->await_signal();
    });
}

void child::watcher::await_pidfd() {
    const auto readable = asio::posix::stream_descriptor::wait_read;
    pidfd.async_wait(readable, [self = shared_from_this()](const std::error_code& ec) {
        if (!ec && !self->look()) self->look_again();
    });
}

// Where nothing tells of the moment: without a pidfd, since SIGCHLD may be the host's or blocked;
// and behind its end, as long as a debugger has not taken note and it cannot be reaped.
void child::watcher::look_again() {
    again.expires_after(20ms);
    again.async_wait([self = shared_from_this()](const std::error_code& ec) {
        if (!ec && !self->look()) self->look_again();
    });
}

child::child(asio::any_io_executor executor, const spawn_options& options)
    : state_(std::make_shared<state>()) {
    const auto watching = std::make_shared<watcher>(executor, state_);
    state_->watch = watching;
    // Before the spawn: a child may be over at once.
    if (may_take_sigchld()) watching->take_signals();
    try {
        state_->pid = detail::spawn(options);
        state_->leads_group = options.group != process_group::shared;
        state_->pidfd.reset(static_cast<int>(::syscall(SYS_pidfd_open, state_->pid, 0)));
        watching->prepare(state_->pidfd);
        // Other threads may run the context: from here on all is done on the executor.
        asio::dispatch(executor, [watching] { watching->start(); });
    } catch (...) {
        state_->end();
        watching->stop();
        throw;
    }
}

child::~child() {
    if (state_) state_->end();
}

child::child(child&& other) noexcept = default;

child& child::operator=(child&& other) noexcept {
    if (this != &other) {
        if (state_) state_->end();
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

void child::poke() {
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
