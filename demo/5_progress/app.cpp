// SPDX-License-Identifier: MIT
// Shows a long job of its server: a bar on a terminal, lines elsewhere. Ctrl-C cancels the job.
//
//     5_progress_server ./5_progress_app [--interrupt-after PERCENT] [LIMIT]
#include "protocol.hpp"

#include <remora/client.hpp>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include <unistd.h>
#include <asio/experimental/awaitable_operators.hpp>

using namespace asio::experimental::awaitable_operators;

namespace {

class display {
public:
    void show(const gap& g) {
        std::printf("%sA gap of %lld after %lld\n", is_terminal_ ? "\r\033[K" : "",
                    static_cast<long long>(g.size), static_cast<long long>(g.after));
        draw();
    }
    void show(const progress& p) {
        const bool is_quarter = p.percent / 25 != at_.percent / 25;
        at_ = p;
        draw();
        if (!is_terminal_ && is_quarter) std::printf("%s\n", summary().c_str());
    }
    void end(const char* how) {
        std::printf("%s%s: %s\n", is_terminal_ ? "\r\033[K" : "", how, summary().c_str());
        std::fflush(stdout);
    }
    int percent() const { return at_.percent; }

private:
    std::string summary() const {
        return std::to_string(at_.percent) + " %, " + std::to_string(at_.primes) + " primes";
    }
    void draw() const {
        if (!is_terminal_) return;
        const std::string bar(static_cast<std::size_t>(at_.percent) * 2 / 5, '#');
        std::printf("\r[%-40s] %s\033[K", bar.c_str(), summary().c_str());
        std::fflush(stdout);
    }

    const bool is_terminal_ = isatty(STDOUT_FILENO) != 0;
    progress at_;
};

// Returns how the app ends. Throws only when it is cancelled: `||` waits for one that succeeds.
asio::awaitable<int> follow(remora::stream<news>& job, display& screen, int interrupt_after) {
    try {
        while (const auto item = co_await job.next()) {
            std::visit([&](const auto& what) { screen.show(what); }, *item);
            if (screen.percent() < interrupt_after) continue;
            std::raise(SIGINT);  // as Ctrl-C does; waits for the handler below
            asio::steady_timer never(co_await asio::this_coro::executor,
                                     std::chrono::steady_clock::time_point::max());
            co_await never.async_wait(asio::use_awaitable);
        }
        screen.end("Done");
        co_return 0;
    } catch (const remora::remote_error& e) {
        screen.end(e.what());
        co_return 1;
    }
}

asio::awaitable<int> app(remora::client& client, std::int64_t limit, int interrupt_after) {
    auto primes = co_await client.connect("primes");
    asio::signal_set interrupt(primes.get_executor(), SIGINT);
    auto job = co_await primes.stream<find_gaps>(limit);

    display screen;
    auto shown = follow(job, screen, interrupt_after);
    auto interrupted = interrupt.async_wait(asio::use_awaitable);
    const auto first = co_await (std::move(shown) || std::move(interrupted));
    if (first.index() == 0) co_return std::get<0>(first);
    screen.end("Interrupted");
    co_return 128 + SIGINT;  // `job` is dropped here: the server cancels it
}

}  // namespace

int main(int argc, char** argv) {
    asio::io_context io;
    remora::client client{io, argc, argv};
    std::int64_t limit = 1'000'000'000;
    int interrupt_after = 101;
    for (int i = 1; i < argc; ++i) {
        if (std::string_view(argv[i]) == "--interrupt-after" && i + 1 < argc)
            interrupt_after = std::atoi(argv[++i]);
        else
            limit = std::atoll(argv[i]);
    }
    return client.run([&] { return app(client, limit, interrupt_after); });
}
