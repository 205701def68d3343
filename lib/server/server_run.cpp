// SPDX-License-Identifier: MIT
// server::run: the whole of a main.
#include <remora/server.hpp>

#include "base/executors.hpp"
#include "base/print_line.hpp"
#include "process/spawn.hpp"
#include "process/stop_signals.hpp"
#include "server/server_core.hpp"

#include <cstdio>

namespace remora {
namespace {

using detail::server_core;

// After env(1): what a shell says of a command that was not found, that cannot be executed; and 125
// when it is the server that failed.
constexpr int code_not_found = 127;
constexpr int code_not_executable = 126;
constexpr int code_failed = 125;

int code_of_failed_exec(const std::error_code& code) {
    if (code == std::errc::no_such_file_or_directory || code == std::errc::not_a_directory) {
        return code_not_found;
    }
    const bool refused = code == std::errc::permission_denied ||
                         code == std::errc::is_a_directory ||
                         code == std::errc::executable_format_error;
    return refused ? code_not_executable : code_failed;
}

int say(const std::string& what, int code) {
    detail::print_line("remora: " + what);
    return code;
}

// What is not said by the exit code; empty if there is nothing.
std::string in_words(const run_result& result) {
    if (result.text.empty() && result.status.kind == exit_kind::unknown)
        return "the app " + to_string(result.status);
    return result.from_terminal && !result.error ? "" : result.text;
}

// A result that somebody runs the context for.
struct awaited_result {
    std::optional<run_result> result;
    bool awaited = false;
};

// Runs the context until there is a result: in one go, since Asio keeps the memory of past
// operations for the next ones only within a call. An exception out of a handler ends the app, so
// that it is not left behind when `main` is left.
int run_until_over(asio::io_context& io, awaited_result& end, const app_process& run) {
    int failed = 0;
    if (io.stopped()) io.restart();
    end.awaited = true;
    for (bool again = true; again && !end.result;) {
        try {
            again = false;
            io.run();
        } catch (const std::exception& e) {
            failed = say(std::string("a handler failed: ") + e.what(), code_failed);
            run.kill();
            again = true;
        }
    }
    end.awaited = false;
    if (end.result) io.restart();
    return failed;
}

// The context is run by server::run alone as long as this lives.
class single_threaded_guard {
public:
    explicit single_threaded_guard(server_core& core) noexcept : core_(core) {
        core_.single_threaded = true;
    }
    ~single_threaded_guard() { core_.single_threaded = false; }
    single_threaded_guard(const single_threaded_guard&) = delete;
    single_threaded_guard& operator=(const single_threaded_guard&) = delete;

private:
    server_core& core_;
};

}  // namespace

int server::run(std::vector<std::string> arguments) {
    asio::io_context* const io = detail::context_of(core_->executor);
    if (io == nullptr) {
        return say("server.run() needs a server that was made with an io_context", code_failed);
    }
    const auto end = std::make_shared<awaited_result>();
    std::optional<remora::app_process> run;
    try {
        run = start(std::move(arguments));
    } catch (const detail::exec_failure& e) {
        return say(e.what(), code_of_failed_exec(e.code()));
    } catch (const std::system_error& e) {
        return say(e.what(), code_failed);
    }
    const single_threaded_guard no_strands(*core_);
    asio::co_spawn(core_->strand, run->result(), [end, io](std::exception_ptr, run_result r) {
        end->result = std::move(r);
        if (end->awaited) io->stop();
    });
    const int failed = run_until_over(*io, *end, *run);
    if (!end->result) return say("the context was stopped before the app had ended", code_failed);
    if (const auto words = in_words(*end->result); !words.empty()) say(words, 0);
    if (end->result->from_terminal) {
        std::fflush(nullptr);
        detail::die_by(end->result->status.value);
    }
    return failed != 0 ? failed : end->result->code();
}

}  // namespace remora
