// SPDX-License-Identifier: MIT
// An app for the servers of demo 7: adds notes, many calls at once, and goes on when calls fail,
// until it is killed or its server is. A line for each call, with the seconds of the monotonic
// clock: "safe NUMBER TEXT BEGAN ENDED", or "gone TEXT BEGAN ENDED", or "failed TEXT BEGAN ENDED
// WHY".
//
//     NOTES_PAUSE=10 notes-cluster --app ./notes_app    # milliseconds between calls
#include "../../demo/7_notes/protocol.hpp"

#include <remora/all.hpp>
#include <remora/client.hpp>

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>

namespace {

using namespace std::chrono_literals;

double now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

// What it fails with, in one word; empty if it has not.
asio::awaitable<std::string> add_one(remora::pipe& server, std::string text) {
    const double began = now();
    std::string why;
    try {
        const auto id = co_await server.call<notes::add>({.timeout = 60s}, text);
        std::printf("safe %lld %s %f %f\n", static_cast<long long>(id), text.c_str(), began, now());
    } catch (const remora::remote_error& e) {
        why = e.kind() == remora::failure_kind::gone ? "gone" : "failed";
        std::printf("%s %s %f %f %s\n", why.c_str(), text.c_str(), began, now(), e.what());
    }
    co_return why;
}

std::chrono::milliseconds between_calls() {
    const char* const given = std::getenv("NOTES_PAUSE");
    return std::chrono::milliseconds(given == nullptr ? 0 : std::atoi(given));
}

asio::awaitable<void> add_notes(remora::pipe& server, std::string who) {
    asio::steady_timer pause(server.get_executor());
    for (int i = 0;; ++i) {
        const auto why = co_await add_one(server, who + std::to_string(i));
        pause.expires_after(why.empty() ? between_calls() : 100ms);
        co_await pause.async_wait(asio::use_awaitable);
    }
}

asio::awaitable<void> app(remora::client& client) {
    auto server = co_await client.connect("notes");
    const auto me = std::to_string(::getpid());
    auto a = add_notes(server, me + 'a');
    auto b = add_notes(server, me + 'b');
    auto c = add_notes(server, me + 'c');
    auto d = add_notes(server, me + 'd');
    co_await remora::all(std::move(a), std::move(b), std::move(c), std::move(d));
}

}  // namespace

int main(int argc, char** argv) {
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    asio::io_context io;
    remora::client client{io, argc, argv};
    return client.run(app);
}
