// SPDX-License-Identifier: MIT
// How the app is started, or waited for.
#include "server/app_session.hpp"

#include "base/executors.hpp"
#include "process/spawn.hpp"
#include "server/attached_app.hpp"
#include "transport/open_directory.hpp"
#include "wire/control_records.hpp"

#include <cstdlib>
#include <iterator>
#include <sstream>
#include <string_view>

namespace remora::detail {
namespace {

std::vector<std::string> words_of(const char* text) {
    std::istringstream in(text == nullptr ? "" : text);
    return {std::istream_iterator<std::string>(in), {}};
}

const server_options& checked(const server_options& options) {
    check_limits(options.limits);
    check_ring(options.ring_size);
    check_call_timeout(options.call_timeout);
    return options;
}

// "1", a name, or nothing.
std::string_view attach_variable() {
    const char* const variable = std::getenv("REMORA_ATTACH");
    const std::string_view value = variable == nullptr ? "" : variable;
    return value == "0" ? "" : value;
}

bool attaches(const server_options& options) {
    return options.attach || !options.attach_name.empty() || !attach_variable().empty();
}

// Of the directory with a fixed path; empty: it has none.
std::string attach_name_of(const server_options& options) {
    std::string name = options.attach_name;
    if (name.empty() && attach_variable() != "1") name = attach_variable();
    if (!name.empty() && !is_attach_name(name))
        throw_error(errc::bad_option,
                    "attach_name " + quote(name) + ": it has 1 to 64 letters, digits, and _ - .");
    return name;
}

event_hook with_life(event_hook hook, std::uint32_t life, std::shared_ptr<trace_file> trace) {
    return [hook = std::move(hook), life, trace = std::move(trace)](event e) {
        e.life = life;
        if (trace) trace->note(to_string(e));
        hook(e);
    };
}

// Holds what it needs, and not the session: that owns whom this is for.
std::function<void(const std::string&)> how_to_report(const asio::any_io_executor& strand,
                                                      const event_hook& emit) {
    return [strand, emit](const std::string& text) {
        asio::dispatch(strand,
                       [emit, text] { emit({.kind = event_kind::output_lost, .text = text}); });
    };
}

}  // namespace

app_session::app_session(std::shared_ptr<server_core> server, const start_parameters& start)
    : server_(std::move(server)),
      life_(start.life),
      trace_(start.trace),
      run_since_(start.run_since),
      since_(std::chrono::steady_clock::now()),
      emit_(with_life(server_->emit, start.life, trace_)),
      transports_(checked(server_->options).transport, emit_, attach_name_of(server_->options)),
      connections_(*this, *server_, transports_),
      control_(*this, *server_, transports_),
      output_(strand(), as_strand(server_->executor), how_to_report(strand(), emit_)),
      pid_(start.pid),
      stopping_({}),
      stop_timer_(server_->strand),
      terminal_(server_->options.group == process_group::shared && !attaches(server_->options)) {
    const spawn_options how = how_to_spawn(start);
    if (attaches(server_->options)) {
        await_app(how);
    } else {
        spawn(how);
    }
    *pid_ = process_->pid();
}

app_session::~app_session() {
    if (over_) return;
    if (trace_) trace_->leave_open();
    process_->kill_forked_app();
}

// What is for the process itself, and its directory in the arguments, where they are written down.
spawn_options app_session::how_to_spawn(const start_parameters& start) {
    const server_options& options = server_->options;
    spawn_options how{.target = options.target,
                      .arguments = {"--remora.pipes=" + transports_.directory()},
                      .environment = options.environment,
                      .unset = options.unset,
                      .working_directory = options.working_directory,
                      .launcher = options.launcher,
                      .handled_signals = start.signals,
                      .group = options.group,
                      .umask = options.umask,
                      .resource_limits = options.resource_limits};
    how.arguments.insert(how.arguments.end(), start.arguments.begin(), start.arguments.end());
    // One that this process was given is of its own server.
    if (std::getenv(trace_file::variable) != nullptr) how.unset.push_back(trace_file::variable);
    if (trace_)
        how.environment.push_back(std::string(trace_file::variable) + "=" + trace_->address());
    if (how.launcher.empty()) how.launcher = words_of(std::getenv("REMORA_LAUNCHER"));
    return how;
}

void app_session::spawn(spawn_options how) {
    const server_options& options = server_->options;
    how.environment.push_back("REMORA_PIPES=" + transports_.directory());
    if (trace_) how.unset.push_back("REMORA_TRACE");  // that is not for servers of the app's
    how.standard_input = options.standard_input;
    how.standard_output = output_.lead(options.standard_output, "standard_output");
    how.standard_error = output_.lead(options.standard_error, "standard_error");
    if (transports_.arena())
        how.inherit.push_back({transports_.arena()->fd(), control_session::arena_fd});
    has_start_timeout_ = how.launcher.empty();
    process_ = std::make_unique<app_child>(strand(), how, emit_);
    output_.close_ends_of_app();
}

void app_session::await_app(const spawn_options& how) {
    line_to_start_ = shell_line(how);
    const std::string control =
        transports_.directory() + "/" + wire::control_name + wire::up_ending;
    process_ = std::make_unique<attached_app>(strand(), control, emit_);
}

}  // namespace remora::detail
