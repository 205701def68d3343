// SPDX-License-Identifier: MIT
// An app that ignores everything: the server's goodbye, SIGTERM, SIGINT. Started by its server:
//
//     2_stop_server ./2_stop_app
#include "protocol.hpp"

#include <remora/client.hpp>

#include <csignal>

using namespace std::chrono_literals;

namespace {

asio::awaitable<void> beat(remora::client& client) {
    auto hearts = co_await client.connect("hearts");
    asio::steady_timer timer(co_await asio::this_coro::executor);
    for (int count = 0;; ++count) {
        co_await hearts.send<heartbeat>(count);
        timer.expires_after(10ms);
        co_await timer.async_wait(asio::use_awaitable);
    }
}

}  // namespace

int main(int argc, char** argv) {
    std::signal(SIGTERM, SIG_IGN);
    std::signal(SIGINT, SIG_IGN);
    asio::io_context io;
    remora::client_options options;
    options.on_goodbye = [] {};  // by default, run() cancels the app's coroutine
    remora::client client{io, argc, argv, options};
    return client.run(beat);
}
