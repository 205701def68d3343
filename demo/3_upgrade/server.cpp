// SPDX-License-Identifier: MIT
// A service that is built from either version of its protocol (-DVERSION=1 or 2), and serves apps
// that were built from either. New here: messages that grow, without a new name or a negotiation.
//
//     3_upgrade_server_2 ./3_upgrade_app_1
#if VERSION == 1
#include "version_1.hpp"
#else
#include "version_2.hpp"
#endif

#include <remora/server.hpp>

#include <cstdio>

namespace {

weather report(const city& asked) {
    weather w;
    w.sky = asked.name == "Bergen" ? "rain" : "sun";
    w.celsius = 11;
#if VERSION == 2
    w.blowing = wind{250, 7.5};
    for (int day = 0; day < asked.days; ++day)
        w.forecast.push_back(11 + day);
#endif
    return w;
}

asio::awaitable<void> forecasts(remora::pipe pipe) {
    while (const auto asked = co_await pipe.next<city>())
        co_await pipe.send(report(*asked));
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fprintf(stderr, "usage: %s APP [ARGUMENT...]\n", argv[0]);
        return 2;
    }
    asio::io_context io;
    remora::server server{io, {.target = argv[1]}};
    server.serve("weather", forecasts);
    return server.run({argv + 2, argv + argc});
}
