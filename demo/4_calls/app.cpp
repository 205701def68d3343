// SPDX-License-Identifier: MIT
// Calls its server: three times at once, with a time limit, and in vain.
//
//     4_calls_server ./4_calls_app
#include "protocol.hpp"

#include <remora/client.hpp>

#include <cstdio>

#include <asio/experimental/awaitable_operators.hpp>

using namespace asio::experimental::awaitable_operators;
using namespace std::chrono_literals;

namespace {

// This app is newer than its server, which has never heard of such a request.
struct deploy {
    using reply = void;

    std::string target;
};

asio::awaitable<void> order(remora::pipe& builds, build what) {
    const auto b = co_await builds.call(what);
    std::printf("%d. %s\n", b.turn, b.target.c_str());
}

// The kind says what to do about it; the code and the message are those of the handler's exception.
std::string advice(const remora::remote_error& e) {
    if (e.code() == std::errc::no_such_file_or_directory) return "write it first: " + e.message();
    switch (e.kind()) {
        case remora::failure_kind::overloaded:
            return "try again";
        case remora::failure_kind::timed_out:
            return "have more patience";
        case remora::failure_kind::unknown_request:
            return "update the server";
        default:
            return e.what();
    }
}

template <class T>
asio::awaitable<void> in_vain(const char* what, asio::awaitable<T> call) {
    try {
        co_await std::move(call);
    } catch (const remora::remote_error& e) {
        std::printf("%s: %s: %s\n", what, to_string(e.kind()).c_str(), advice(e).c_str());
    }
}

asio::awaitable<void> app(remora::client& client) {
    auto builds = co_await client.connect("builds");

    // Three calls in flight on one pipe. They are answered in the order in which they are done.
    auto program = order(builds, {"program", {"library", "header"}});
    auto library = order(builds, {"library", {"header"}});
    auto header = order(builds, {"header", {}});
    co_await (std::move(program) && std::move(library) && std::move(header));

    // The approval never comes. Once the time has passed, the handler is cancelled.
    const std::vector<std::string> needs{"program", "approval"};
    co_await in_vain("release", builds.call<build>({.timeout = 50ms}, "release", needs));
    const auto given_up = co_await builds.call<next_given_up>();
    std::printf("The server has given up: %s\n", given_up.c_str());

    co_await in_vain("manual", builds.call<build>("manual"));
    co_await in_vain("deploy", builds.call<deploy>("program"));

    // None of that has harmed the connection.
    const build installer{"installer", {"program"}};
    co_await order(builds, installer);
}

}  // namespace

int main(int argc, char** argv) {
    asio::io_context io;
    remora::client client{io, argc, argv};
    return client.run(app);
}
