// SPDX-License-Identifier: MIT
// Keeps notes, by whatever server has started it: it knows only protocol.hpp.
//
//     notes-sqlite add buy milk
#include "command_line.hpp"

#include <remora/client.hpp>

#include <cstdio>

namespace {

asio::awaitable<int> app(remora::client& client, notes::command chosen) {
    auto server = co_await client.connect("notes");
    co_return co_await notes::explained(chosen, server);
}

}  // namespace

int main(int argc, char** argv) {
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    asio::io_context io;
    remora::client client{io, argc, argv};
    const auto chosen = notes::parse([&](CLI::App& cli) { cli.parse(argc, argv); });
    if (!chosen.run) return chosen.code;
    return client.run([&] { return app(client, chosen.run); });
}
