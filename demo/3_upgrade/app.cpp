// SPDX-License-Identifier: MIT
// Asks for the weather; built from either version of the protocol (-DVERSION=1 or 2).
//
//     3_upgrade_server_1 ./3_upgrade_app_2
#if VERSION == 1
#include "version_1.hpp"
#else
#include "version_2.hpp"
#endif

#include <remora/client.hpp>

#include <cstdio>

namespace {

void print(const weather& w) {
    std::printf("App of version %d: %s, %d degrees", VERSION, w.sky.c_str(), w.celsius);
#if VERSION == 2
    if (w.blowing) std::printf(", wind %.1f m/s", w.blowing->speed);
    if (w.forecast.empty()) std::printf(", no forecast");
    for (const int degrees : w.forecast)
        std::printf(", then %d", degrees);
#endif
    std::printf("\n");
}

asio::awaitable<void> ask(remora::client& client) {
    auto pipe = co_await client.connect("weather");
    city bergen;
    bergen.name = "Bergen";
#if VERSION == 2
    bergen.days = 3;
#endif
    co_await pipe.send(bergen);
    print(co_await pipe.receive<weather>());
}

}  // namespace

int main(int argc, char** argv) {
    asio::io_context io;
    remora::client client{io, argc, argv};
    return client.run(ask);
}
