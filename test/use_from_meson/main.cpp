// SPDX-License-Identifier: MIT
// Compiles against both sides of Remora, links with it, and fails as an app without a server does.
#include <remora/client.hpp>
#include <remora/server.hpp>

int main(int argc, char** argv) {
    asio::io_context io;
    remora::server server{io, {.target = "/nonexistent"}};
    remora::client client{io, argc, argv};
    const int code = client.run([&]() -> asio::awaitable<int> {
        auto pipe = co_await client.connect("maths");
        co_return 0;
    });
    return code == 69 ? 0 : 1;
}
