// SPDX-License-Identifier: MIT
// Stops an app that does not want to stop. New here: starting a run by hand, the stop sequence, and
// the result that says which of its steps was needed.
//
//     2_stop_server ./2_stop_app
#include "protocol.hpp"

#include <remora/server.hpp>

#include <cstdio>
#include <cstdlib>

using namespace std::chrono_literals;

namespace {

// Takes heartbeats until the app is gone; its death is no failure of the service.
asio::awaitable<void> hearts(remora::pipe pipe) {
    while (const auto beat = co_await pipe.next<heartbeat>()) {
    }
}

asio::awaitable<int> supervise(remora::app_process run) {
    asio::steady_timer patience(co_await asio::this_coro::executor, 1s);
    co_await patience.async_wait(asio::use_awaitable);

    // Goodbye on the control pipe, SIGTERM, SIGKILL: 200 ms for each.
    std::printf("Stopping the app\n");
    run.terminate(200ms);

    const remora::run_result result = co_await run.result();
    std::printf("The app was %s\n", to_string(result.status).c_str());
    std::printf("Stopped by %s\n", to_string(result.stopped_by).c_str());
    co_return result.stopped_by == remora::stop_step::sigkill ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fprintf(stderr, "usage: %s APP [ARGUMENT...]\n", argv[0]);
        return 2;
    }
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    asio::io_context io;
    remora::server server{io, {.target = argv[1]}};
    server.serve("hearts", hearts);

    int code = 125;
    try {
        const remora::app_process run = server.start({argv + 2, argv + argc});
        asio::co_spawn(io, supervise(run),
                       [&code](std::exception_ptr, int result) { code = result; });
        io.run();
    } catch (const std::system_error& e) {
        std::fprintf(stderr, "%s\n", e.what());
    }
    return code;
}
