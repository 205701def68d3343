// SPDX-License-Identifier: MIT
// The start, the stop and the end of a run.
#include "server/run_core.hpp"

#include "polling/usable_cpus.hpp"
#include "server/run_connection.hpp"

#include <fcntl.h>
#include <signal.h>

#include <cstdlib>
#include <iterator>
#include <sstream>

namespace remora::detail {
namespace {

std::vector<std::string> words_of(const char* text) {
    std::istringstream in(text == nullptr ? "" : text);
    return {std::istream_iterator<std::string>(in), {}};
}

std::chrono::milliseconds to_ms(std::chrono::nanoseconds time) {
    return std::chrono::ceil<std::chrono::milliseconds>(time);
}

}  // namespace

run_core::run_core(std::shared_ptr<server_core> server, const std::vector<std::string>& arguments)
    : server_(std::move(server)),
      limits_(server_->options.limits),
      services_ended_(server_->strand),
      stopping_({}),
      terminal_(server_->options.group == process_group::shared),
      stop_timer_(server_->strand),
      signals_(server_->strand) {
    check_limits(limits_);
    check_ring(server_->options.ring_size);
    // The next start goes on with the rest.
    run_directory::sweep(run_directory::default_parent(), std::chrono::milliseconds(25));
    directory_.emplace();
    control_ = std::make_shared<pipe_state>(
        strand(), make_fifo_transport(strand(), make_ends(wire::control_name)), wire::control_name,
        control_limits, errc::app_gone, wait_policy::block, frame_kinds::control);
    make_arena();
    const spawn_options how = how_to_spawn(arguments);
    launched_ = !how.launcher.empty();
    app_.emplace(strand(), how);
    pid_ = app_->pid();
}

// Without one there are FIFOs.
void run_core::make_arena() try {
    if (server_->options.transport != transport_kind::fifo) arena_ = shm_arena::make();
} catch (const error& e) {
    emit({.kind = event_kind::fallback, .code = e.code(), .text = e.context()});
}

run_core::~run_core() {
    if (over_) return;
    try {
        if (behind_) behind_->signal(SIGKILL);
    } catch (const std::exception&) {  // not permitted
    }
    server_->busy = false;
}

spawn_options run_core::how_to_spawn(const std::vector<std::string>& arguments) {
    const server_options& options = server_->options;
    const std::string directory = directory_->path().string();
    spawn_options how{.target = options.target,
                      .arguments = {"--remora.pipes=" + directory},
                      .environment = options.environment,
                      .unset = options.unset,
                      .working_directory = options.working_directory,
                      .launcher = options.launcher,
                      .standard_input = options.standard_input,
                      .standard_output = options.standard_output,
                      .standard_error = options.standard_error,
                      .group = options.group,
                      .umask = options.umask,
                      .resource_limits = options.resource_limits};
    how.environment.push_back("REMORA_PIPES=" + directory);
    if (arena_) how.inherit.push_back({arena_->fd(), arena_fd});
    how.arguments.insert(how.arguments.end(), arguments.begin(), arguments.end());
    if (how.launcher.empty()) how.launcher = words_of(std::getenv("REMORA_LAUNCHER"));
    if (options.handle_signals) how.handled_signals = signals_.take();
    return how;
}

// The server's ends of a new pair: the dummy writer keeps the end of file away until the app is
// there.
fifo_ends run_core::make_ends(const std::string& base) {
    const std::string up = base + wire::up_ending;
    const std::string down = base + wire::down_ending;
    directory_->make_fifo(up);
    directory_->make_fifo(down);
    const int at = directory_->fd();
    fifo_ends ends;
    ends.in = open_fifo(at, up, O_RDONLY);
    ends.dummy = open_fifo(at, up, O_WRONLY);
    ends.guard = open_fifo(at, down, O_RDONLY);
    ends.out = open_fifo(at, down, O_WRONLY);
    return ends;
}

void run_core::begin() {
    const auto self = shared_from_this();
    emit({.kind = event_kind::started, .pid = pid_});
    // Behind what the host has said since the start: a name that it serves then is known.
    asio::post(strand(), [self] { asio::co_spawn(self->strand(), talk(self), asio::detached); });
    asio::co_spawn(strand(), watch_app(self), asio::detached);
    asio::co_spawn(strand(), watch_signals(self), asio::detached);
    // Reads files, and remembers what they say: as long as the app loads, there is time for that.
    if (server_->options.waiting != wait_policy::block) asio::post(strand(), [] { usable_cpus(); });
}

asio::awaitable<void> run_core::watch_app(std::shared_ptr<run_core> self) {
    while (!self->ended_) {
        try {
            self->result_.status = co_await self->app_->wait();
            // A launcher may not be all that has to be stopped.
            if (self->behind_ && self->stopping_.started()) co_await end_behind(self);
            self->ended_.reach();
        } catch (const std::bad_alloc&) {  // the run cannot end without it
        }
    }
    self->emit({.kind = event_kind::app_ended,
                .pid = self->pid_,
                .text = to_string(self->result_.status)});
    self->result_.stopped_by = self->stopping_.stopped_by();
    self->stopping_.exited();
    self->stop_timer_.cancel();
    self->pending_.clear();
    self->control_->fail(errc::app_gone);
    self->fail_pipes(errc::app_gone);
    for (const auto& next : self->opening_)
        next->give_up(errc::app_gone);
    co_await drain(self);
    self->finish();
}

// It may have said hello only after the last signal was sent.
asio::awaitable<void> run_core::end_behind(std::shared_ptr<run_core> self) {
    if (self->stopping_.stopped_by() == stop_step::sigkill) self->send_to(*self->behind_, SIGKILL);
    co_await self->behind_->wait();
}

// First the services take what the app had sent; those that take too long, or wait for something
// else, are cancelled.
asio::awaitable<void> run_core::drain(std::shared_ptr<run_core> self) {
    for (int round = 0; round < 2 && self->has_services(); ++round) {
        if (round == 1) self->cancel_services();
        if (self->leaves_services_) break;
        self->services_ended_.expires_after(self->server_->options.drain_timeout);
        std::error_code ec;
        co_await self->services_ended_.async_wait(asio::redirect_error(asio::use_awaitable, ec));
    }
}

void run_core::finish() {
    server_->forget(*this);
    control_->close();
    directory_.reset();
    arena_.reset();
    result_.from_terminal = result_.status.kind == exit_kind::signalled &&
                            signals_.came_from_terminal(result_.status.value);
    signals_.release();
    app_.reset();
    behind_.reset();
    server_->busy = false;
    over_.reach();
}

asio::awaitable<exit_status> run_core::exited(std::shared_ptr<run_core> self) {
    const std::shared_ptr<milestone> end(self, &self->ended_);
    co_await milestone::wait(end);
    co_return self->result_.status;
}

asio::awaitable<run_result> run_core::result(std::shared_ptr<run_core> self) {
    const std::shared_ptr<milestone> end(self, &self->over_);
    co_await milestone::wait(end);
    co_return self->result_;
}

void run_core::stop(stop_step first, std::chrono::nanoseconds grace) {
    if (ended_) return;
    if (!stopping_.started()) stopping_ = stop_sequence({to_ms(grace), to_ms(grace)});
    if (first == stop_step::goodbye && !welcomed_) first = stop_step::sigterm;
    obey(stopping_.start(first));
}

void run_core::obey(const stop_action& action) {
    if (action.what == stop_action::kind::nothing || action.what == stop_action::kind::done) return;
    emit({.kind = event_kind::stopping, .pid = pid_, .text = to_string(stopping_.stopped_by())});
    if (action.what == stop_action::kind::say_goodbye) {
        if (control_->can_send()) post(*control_, frame_kind::goodbye);
    } else {
        send_signal(action.signal);
    }
    if (!action.then_wait) return;
    stop_timer_.expires_after(*action.then_wait);
    stop_timer_.async_wait([self = shared_from_this()](std::error_code ec) {
        if (!ec) self->obey(self->stopping_.time_passed());
    });
}

void run_core::send_signal(int number) {
    // Through the child, as long as that lives. A launcher may have moved the app into another
    // group: at the last it is killed there.
    const bool group_reaches_it =
        server_->options.group != process_group::shared && !app_->status() && number != SIGKILL;
    for (const int each : {number, SIGCONT}) {
        send_to(*app_, each);
        if (behind_ && !group_reaches_it) send_to(*behind_, each);
        if (number != SIGTERM) break;  // one that is stopped acts on it only when it goes on
    }
}

// An app that has changed its user cannot be signalled; its end is waited for all the same.
template <class Process>
void run_core::send_to(Process& process, int number) {
    try {
        process.signal(number);
    } catch (const error& e) {
        emit({.kind = event_kind::stopping, .pid = pid_, .code = e.code(), .text = e.context()});
    }
}

asio::awaitable<void> run_core::watch_signals(std::shared_ptr<run_core> self) {
    while (!self->over_) {
        const int signal = co_await self->signals_.next();
        if (signal != 0) self->take_signal(signal);
    }
}

// Once the app has ended, each signal ends the present wait for the services, and a repeated one
// every wait.
void run_core::take_signal(int signal) {
    ++signals_got_;
    if (ended_) {
        leaves_services_ = signals_got_ > 1;
        services_ended_.cancel();
    } else if (terminal_.stops(signal, std::chrono::steady_clock::now())) {
        if (stopping_.started()) {
            obey(stopping_.hurry());
        } else {
            stop(stop_step::goodbye, server_->options.stop_timeout);
        }
    }
}

void run_core::end() {
    if (!over_) send_signal(SIGKILL);
}

}  // namespace remora::detail
