// SPDX-License-Identifier: MIT
// The start and the end of the app.
#include "server/app_session.hpp"

#include "base/spawn_member.hpp"
#include "polling/usable_cpus.hpp"

#include <cstdlib>
#include <iterator>
#include <sstream>

namespace remora::detail {
namespace {

std::vector<std::string> words_of(const char* text) {
    std::istringstream in(text == nullptr ? "" : text);
    return {std::istream_iterator<std::string>(in), {}};
}

const server_options& checked(const server_options& options) {
    check_limits(options.limits);
    check_ring(options.ring_size);
    return options;
}

}  // namespace

app_session::app_session(std::shared_ptr<server_core> server,
                         const std::vector<std::string>& arguments)
    : server_(std::move(server)),
      transports_(checked(server_->options).transport, server_->emit),
      connections_(*this, *server_, transports_),
      control_(*this, *server_, transports_),
      stopping_({}),
      stop_timer_(server_->strand),
      terminal_(server_->options.group == process_group::shared),
      signals_(server_->strand) {
    process_.emplace(strand(), how_to_spawn(arguments), server_->emit);
    pid_ = process_->pid();
    has_launcher_ = process_->has_launcher();
}

app_session::~app_session() {
    if (over_) return;
    process_->kill_forked_app();
    server_->busy = false;
}

spawn_options app_session::how_to_spawn(const std::vector<std::string>& arguments) {
    const server_options& options = server_->options;
    const std::string directory = transports_.directory();
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
    if (transports_.arena())
        how.inherit.push_back({transports_.arena()->fd(), control_session::arena_fd});
    how.arguments.insert(how.arguments.end(), arguments.begin(), arguments.end());
    if (how.launcher.empty()) how.launcher = words_of(std::getenv("REMORA_LAUNCHER"));
    if (options.handle_signals) how.handled_signals = signals_.catch_all();
    return how;
}

void app_session::begin() {
    const auto self = shared_from_this();
    emit({.kind = event_kind::started, .pid = pid_});
    // Behind what the host has said since the start: a name that it serves then is known.
    asio::post(strand(), [self] { spawn_member(self->strand(), self, self->control_.talk()); });
    spawn_member(strand(), self, watch_app());
    spawn_member(strand(), self, watch_signals());
    // As long as the app loads, there is time.
    asio::post(strand(), [self] { self->prepare(); });
}

void app_session::prepare() noexcept try {
    if (ended_) return;
    transports_.prepare({server_->options.ring_size, server_->options.limits.lent});
    // Reads files, and remembers what they say.
    if (server_->options.waiting != wait_policy::block) usable_cpus();
} catch (const std::exception&) {  // it is done when it is needed
}

asio::awaitable<void> app_session::watch_app() {
    while (!ended_) {
        try {
            result_.status = co_await process_->wait();
            // A launcher may not be all that has to be stopped.
            if (process_->has_forked_app() && stopping_.started())
                co_await process_->wait_forked_app(stopping_.stopped_by() == stop_step::sigkill);
            ended_ = true;
            until_ended_.notify_all();
        } catch (const std::bad_alloc&) {  // the run cannot end without it
        }
    }
    emit({.kind = event_kind::app_ended, .pid = pid_, .text = to_string(result_.status)});
    result_.stopped_by = stopping_.stopped_by();
    stopping_.exited();
    stop_timer_.cancel();
    control_.pipe().fail(errc::app_gone);
    connections_.app_ended();
    co_await drain();
    finish();
}

// First the services take what the app had sent; those that take too long, or wait for something
// else, are cancelled.
asio::awaitable<void> app_session::drain() {
    for (int round = 0; round < 2 && connections_.has_services(); ++round) {
        if (round == 1) connections_.cancel_services();
        if (leaves_services_) break;
        co_await connections_.services_ended(deadline_of(server_->options.drain_timeout));
    }
}

void app_session::finish() {
    server_->forget(*this);
    control_.pipe().close();
    transports_.close();
    result_.from_terminal = result_.status.kind == exit_kind::signalled &&
                            signals_.came_from_terminal(result_.status.value);
    signals_.release();
    process_.reset();
    server_->busy = false;
    over_ = true;
    until_over_.notify_all();
}

asio::awaitable<exit_status> app_session::exited(std::shared_ptr<app_session> self) {
    if (!self->ended_) co_await self->until_ended_.wait();
    if (!self->ended_) throw std::system_error(asio::error::operation_aborted);
    co_return self->result_.status;
}

asio::awaitable<run_result> app_session::result(std::shared_ptr<app_session> self) {
    if (!self->over_) co_await self->until_over_.wait();
    if (!self->over_) throw std::system_error(asio::error::operation_aborted);
    co_return self->result_;
}

}  // namespace remora::detail
