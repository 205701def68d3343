// SPDX-License-Identifier: MIT
// A workshop that builds targets, each once those are there that it needs. New here: a service,
// whose handlers are at work beside each other, are cancelled with their calls, and may throw.
//
//     4_calls_server ./4_calls_app
#include "protocol.hpp"

#include <remora/server.hpp>
#include <remora/service.hpp>

#include <cstdio>
#include <set>
#include <string>

namespace {

class workshop {
public:
    explicit workshop(asio::io_context& io)
        : news_(io, std::chrono::steady_clock::time_point::max()) {}

    asio::awaitable<built> make(build order) {
        if (order.target == "manual") {
            throw std::system_error(std::make_error_code(std::errc::no_such_file_or_directory),
                                    "manual.md");
        }
        try {
            for (const auto& need : order.needs) {
                while (!done_.contains(need))
                    co_await something_new();
            }
        } catch (const std::system_error&) {  // cancelled, as the caller does not wait any more
            given_up_ = order.target;
            news_.cancel();
            throw;
        }
        done_.insert(order.target);
        news_.cancel();
        co_return built{order.target, static_cast<int>(done_.size())};
    }

    asio::awaitable<std::string> next_given_up() {
        while (given_up_.empty())
            co_await something_new();
        co_return std::exchange(given_up_, "");
    }

private:
    // Wakes everybody who waits. Whose call was cancelled, gets an exception at the next await.
    asio::awaitable<void> something_new() {
        std::error_code woken;
        co_await news_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    }

    asio::steady_timer news_;
    std::set<std::string> done_;
    std::string given_up_;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fprintf(stderr, "usage: %s APP [ARGUMENT...]\n", argv[0]);
        return 2;
    }
    asio::io_context io;
    workshop shop(io);
    remora::service builds;
    builds.on([&](build order) { return shop.make(std::move(order)); });
    builds.on([&](next_given_up) { return shop.next_given_up(); });

    remora::server server{io, {.target = argv[1]}};
    server.serve("builds", builds);
    return server.run({argv + 2, argv + argc});
}
