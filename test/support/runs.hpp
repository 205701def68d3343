// SPDX-License-Identifier: MIT
/// Servers with real apps: what the tests of runs share.
#pragma once

#include "process/children.hpp"
#include "support/coroutine.hpp"
#include "support/messages.hpp"

#include <remora/server.hpp>

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace test {

/// Where the servers of this program make their directories: nobody else's.
inline const std::filesystem::path& run_parent() {
    static const scratch parent;
    static const bool set = ::setenv("XDG_RUNTIME_DIR", parent.path.c_str(), 1) == 0;
    REQUIRE(set);
    return parent.path;
}

inline std::ptrdiff_t entries(const std::filesystem::path& directory) {
    return std::distance(std::filesystem::directory_iterator(directory), {});
}
inline std::ptrdiff_t run_directories() {
    return entries(run_parent());
}
inline std::ptrdiff_t open_descriptors() {
    return entries("/proc/self/fd");
}

inline std::string text_of(const std::exception_ptr& why) {
    try {
        std::rethrow_exception(why);
    } catch (const std::exception& e) {
        return e.what();
    }
}

/// Bytes of memory that this process has in use.
inline std::size_t memory_in_use() {
    std::ifstream file("/proc/self/statm");
    std::size_t pages = 0;
    file >> pages >> pages;
    return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

/// Runs are tried over both transports: the whole program once over each.
inline remora::transport_kind usual_transport() {
    const char* const name = ::getenv("REMORA_TEST_TRANSPORT");
    const bool fifo = name != nullptr && std::string(name) == "fifo";
    return fifo ? remora::transport_kind::fifo : remora::transport_kind::automatic;
}

/// A server with the test app as its target, on a context of its own, and a run that has begun.
class served_run {
public:
    explicit served_run(std::vector<std::string> arguments, remora::server_options options = {})
        : before_(open_descriptors()), server(io, prepared(std::move(options))) {
        start(std::move(arguments));
    }

    void start(std::vector<std::string> arguments) { run_ = server.start(std::move(arguments)); }
    remora::app_process run() const { return *run_; }

    /// Runs the context until the run is over.
    remora::run_result finish() {
        std::optional<remora::run_result> result;
        asio::co_spawn(io, run_->result(),
                       [&](std::exception_ptr, remora::run_result r) { result = std::move(r); });
        const auto end = std::chrono::steady_clock::now() + patience;
        io.restart();
        while (!result && io.run_one_until(end) != 0) {
        }
        REQUIRE_MESSAGE(result, "the run hangs");
        return *result;
    }

    /// SIGKILL to the app from outside, unless it has been reaped already.
    void kill_app() const {
        siginfo_t info{};
        const auto pid = static_cast<id_t>(run_->pid());
        if (::waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0)
            ::kill(run_->pid(), SIGKILL);
    }
    /// Comes back when the app is dead, and does not reap it.
    void await_death_of_app() const {
        siginfo_t info{};
        ::waitid(P_PID, static_cast<id_t>(run_->pid()), &info, WEXITED | WNOWAIT);
    }

    /// No path left, no zombie, as many descriptors as before.
    bool is_clean() {
        io.poll();
        CHECK(run_directories() == 0);
        CHECK(no_child_is_left());
        CHECK(open_descriptors() <= before_ + context_descriptors);
        return true;
    }

private:
    // epoll, timerfd and eventfd of the context, and the two ends of the signal handler's pipe.
    static constexpr int context_descriptors = 5;

    remora::server_options prepared(remora::server_options options) {
        run_parent();
        if (options.target.empty()) options.target = REMORA_TEST_APP;
        if (options.transport == remora::transport_kind::automatic)
            options.transport = usual_transport();
        options.on_event = [this](const remora::event& e) {
            events.push_back(e);
            if (on_event) on_event(e);
        };
        options.on_failure = [this](std::string_view name, const std::exception_ptr& why) {
            failures.push_back(std::string(name) + ": " + text_of(why));
        };
        return options;
    }

    std::ptrdiff_t before_;

public:
    std::vector<remora::event> events;
    std::vector<std::string> failures;
    std::function<void(const remora::event&)> on_event;
    asio::io_context io;
    remora::server server;

private:
    std::optional<remora::app_process> run_;
};

/// Waits until it is cancelled.
inline asio::awaitable<void> never() {
    asio::steady_timer timer(co_await asio::this_coro::executor,
                             std::chrono::steady_clock::time_point::max());
    co_await timer.async_wait(asio::use_awaitable);
}

/// Sends every number back.
inline asio::awaitable<void> echo_service(remora::pipe p) {
    while (const auto n = co_await p.next<number>())
        co_await p.send(*n);
}

/// Calls `take` with every message.
template <class T>
asio::awaitable<void> collect(remora::pipe p, std::function<void(const T&)> take) {
    while (const auto message = co_await p.next<T>())
        take(*message);
}

/// Notes that a service has ended, however it has.
inline asio::awaitable<void> with_end(asio::awaitable<void> service, bool& ended) {
    struct note {
        bool& ended;
        ~note() { ended = true; }
    } const noted{ended};
    co_await std::move(service);
}

inline asio::awaitable<void> accept_one(remora::server& server, std::string name) {
    auto p = co_await server.accept(std::move(name));
    const auto n = co_await p.receive<number>();
    co_await p.send(n);
}

/// Starts the stop sequence when the app shows that it is there.
inline asio::awaitable<void> stop_at_first_message(remora::pipe p, remora::app_process run,
                                                   std::chrono::nanoseconds stop_timeout) {
    co_await p.receive<number>();
    run.terminate(stop_timeout);
    co_await p.next<number>();
}

}  // namespace test
