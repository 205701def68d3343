// SPDX-License-Identifier: MIT
// Compiles against both sides of Remora, links with it, and fails as an app without a server does.
#include <remora/client.hpp>
#include <remora/server.hpp>

#include <cstdio>

int main(int argc, char** argv) {
    asio::io_context io;
    remora::server server{io, {.target = "/nonexistent"}};
    try {
        remora::client client{io, argc, argv};
    } catch (const std::system_error& e) {
        std::printf("%s\n", e.what());
        return e.code() == remora::errc::no_server ? 0 : 1;
    }
    return 1;
}
