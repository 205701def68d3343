// SPDX-License-Identifier: MIT
// An app for the servers of demo 7: adds notes, many calls at once, and says which are safe, until
// it is killed or its server is.
//
//     notes-sqlite --app ./notes_app
#include "../../demo/7_notes/protocol.hpp"

#include <remora/all.hpp>
#include <remora/client.hpp>

#include <cstdio>

namespace {

asio::awaitable<void> add_notes(remora::pipe& server, char who) {
    for (int i = 0;; ++i) {
        const auto text = who + std::to_string(i);
        const auto id = co_await server.call<notes::add>(text);
        std::printf("safe %lld %s\n", static_cast<long long>(id), text.c_str());
    }
}

asio::awaitable<void> app(remora::client& client) {
    auto server = co_await client.connect("notes");
    auto a = add_notes(server, 'a');
    auto b = add_notes(server, 'b');
    auto c = add_notes(server, 'c');
    auto d = add_notes(server, 'd');
    co_await remora::all(std::move(a), std::move(b), std::move(c), std::move(d));
}

}  // namespace

int main(int argc, char** argv) {
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    asio::io_context io;
    remora::client client{io, argc, argv};
    return client.run(app);
}
