// SPDX-License-Identifier: MIT
/// A server of NATS of the test's own, gateways, and workers here or in processes of their own.
#pragma once

#include "call/outcome.hpp"
#include "nats/worker_service.hpp"
#include "support/coroutine.hpp"

#include <remora/any.hpp>
#include <remora/nats.hpp>
#include <remora/process.hpp>

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace test {

/// nats-server on a port of its own; it lies in a directory that goes with it.
class nats_server {
public:
    explicit nats_server(const asio::any_io_executor& executor,
                         const std::vector<std::string>& more = {})
        : executor_(executor), more_(more) {
        std::string path = std::filesystem::temp_directory_path() / "remora_nats.XXXXXX";
        REQUIRE(::mkdtemp(path.data()) != nullptr);
        directory_ = path;
        start("-1");
        const auto ports = read_ports();
        url_ = url_after(ports, "\"nats\"");
        cluster_ = url_after(ports, "\"cluster\"");
    }
    ~nats_server() {
        child_.reset();
        std::filesystem::remove_all(directory_);
    }
    nats_server(const nats_server&) = delete;
    nats_server& operator=(const nats_server&) = delete;

    const std::string& url() const { return url_; }
    /// For the routes of others; empty if it is alone.
    const std::string& cluster() const { return cluster_; }
    void kill() { child_.reset(); }
    void signal(int which) { child_->signal(which); }
    unsigned short port() const {
        return static_cast<unsigned short>(std::stoi(url_.substr(url_.rfind(':') + 1)));
    }
    /// On the same ports, after kill().
    void restart() {
        std::ranges::replace(more_, any_port, cluster_);
        start(std::to_string(port()));
    }
    /// For `--cluster`, at first.
    static constexpr const char* any_port = "nats://127.0.0.1:-1";

private:
    void start(const std::string& port) {
        std::vector<std::string> arguments = {"-a", "127.0.0.1",        "-p",
                                              port, "--ports_file_dir", directory_};
        arguments.insert(arguments.end(), more_.begin(), more_.end());
        child_.emplace(executor_, remora::spawn_options{
                                      .target = REMORA_TEST_NATS_SERVER,
                                      .arguments = arguments,
                                      .standard_output = remora::null_device,
                                      .standard_error = std::filesystem::path(directory_) / "log"});
    }
    std::string read_ports() const {
        const auto file = std::filesystem::path(directory_) /
                          ("nats-server_" + std::to_string(child_->pid()) + ".ports");
        const auto end = std::chrono::steady_clock::now() + patience;
        while (std::chrono::steady_clock::now() < end) {
            std::ifstream in(file);
            std::string text(std::istreambuf_iterator<char>(in), {});
            if (text.find('}') != std::string::npos) return text;
            std::this_thread::yield();
        }
        FAIL("nats-server has written no file of its ports");
        return {};
    }
    static std::string url_after(const std::string& ports, const std::string& name) {
        const auto at = ports.find("://", ports.find(name));  // after nats or tls
        return at == std::string::npos ? "" : "nats" + ports.substr(at, ports.find('"', at) - at);
    }

    asio::any_io_executor executor_;
    std::vector<std::string> more_;
    std::string directory_, url_, cluster_;
    std::optional<remora::child> child_;
};

/// How a scene of NATS differs from the usual one.
struct scene_options {
    std::vector<std::string> idempotent = {};
    /// Long where nothing is to be lost: the machine may be busy.
    std::chrono::milliseconds lost_after = 5s;
    std::string inbox_prefix = "_INBOX.";
};

/// An app's end of a pipe, whose other end a gateway serves.
class scene_of_nats {
public:
    scene_of_nats(asio::io_context& io, scene_options how)
        : executor(io.get_executor()),
          options(std::move(how)),
          server(executor),
          gateway(executor, {.service = "test",
                             .connection = connection(),
                             .idempotent = options.idempotent,
                             .lost_after = options.lost_after}) {
        std::tie(app, front) = remora::make_pipe_pair(executor);
        front.attach(gateway.service());
    }
    remora::nats::connection_options connection() const {
        return {.servers = {server.url()}, .inbox_prefix = options.inbox_prefix};
    }
    remora::nats::worker worker(const remora::service& service) const {
        return {executor,
                service,
                {.service = "test", .connection = connection(), .lost_after = options.lost_after}};
    }
    /// A worker in a process of its own; comes back when that takes calls.
    asio::awaitable<remora::child> worker_process() {
        int ends[2];
        REQUIRE(::pipe(ends) == 0);
        remora::child made(executor, {.target = REMORA_TEST_NATS_WORKER,
                                      .arguments = {server.url()},
                                      .standard_output = ends[1]});
        ::close(ends[1]);
        char ready = 0;
        REQUIRE(::read(ends[0], &ready, 1) == 1);
        ::close(ends[0]);
        co_return made;
    }

    asio::any_io_executor executor;
    scene_options options;
    nats_server server;
    remora::nats::gateway gateway;
    remora::pipe app, front;
};

inline void with_nats(const std::function<asio::awaitable<void>(scene_of_nats&)>& body,
                      const scene_options& options = {}) {
    test::run([&](asio::io_context& io) -> asio::awaitable<void> {
        scene_of_nats scene(io, options);
        co_await body(scene);
    });
}

/// Calls until that succeeds.
inline asio::awaitable<void> reach_worker(remora::pipe& app) {
    std::optional<outcome<sum>> found;
    while (!found || !found->value)
        found = co_await outcome_of(app.call<add>(1, 1));
    CHECK(found->value->value == 2);
}

/// With a server that was started with `words`, a gateway and a worker connect, and a call goes
/// through.
inline void check_served(const std::vector<std::string>& words,
                         remora::nats::connection_options options) {
    test::run([&](asio::io_context& io) -> asio::awaitable<void> {
        const auto executor = io.get_executor();
        const nats_server server(executor, words);
        options.servers = {server.url()};
        const remora::nats::gateway gateway(executor, {.service = "test", .connection = options});
        const remora::nats::worker worker(executor, worker_service(),
                                          {.service = "test", .connection = options});
        auto [app, front] = remora::make_pipe_pair(executor);
        front.attach(gateway.service());
        co_await reach_worker(app);
    });
}

/// What a gateway says that is refused.
inline failure refusal(const remora::nats::connection_options& options) {
    asio::io_context io;
    return failure_of([&] {
        remora::nats::gateway(io.get_executor(), {.service = "test", .connection = options});
    });
}

inline asio::awaitable<void> pause(std::chrono::milliseconds time) {
    asio::steady_timer timer(co_await asio::this_coro::executor, time);
    co_await timer.async_wait(asio::use_awaitable);
}

/// A handler for wait_for_ever. `running` says how many there are; they may end after the test.
inline auto counted_in(std::shared_ptr<int> running) {
    return [running = std::move(running)](wait_for_ever q) -> asio::awaitable<sum> {
        ++*running;
        const std::shared_ptr<void> end(nullptr, [running](void*) { --*running; });
        co_return co_await for_ever(q);
    };
}

}  // namespace test
