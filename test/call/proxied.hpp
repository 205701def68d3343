// SPDX-License-Identifier: MIT
/// A typed caller, a typed service, and between them a proxy that knows no types.
#pragma once

#include "support/calls.hpp"
#include "support/pairs.hpp"

#include <remora/any.hpp>

#include <functional>
#include <string>
#include <utility>

namespace test {

/// What a proxy does: passes on all that it is asked.
inline remora::service passing_to(remora::pipe& to) {
    return remora::service().on_any(
        [&to](remora::any_call call) { return to.pass_on(std::move(call)); });
}

/// Two pipes, with the proxy where they meet.
struct proxied {
    remora::pipe app, front;    ///< from the caller to the proxy
    remora::pipe back, server;  ///< from the proxy to the service

    /// Serves at the far end, and passes on in the middle.
    void serve(const remora::service& what) {
        server.attach(what);
        front.attach(passing_to(back));
    }
    /// Nothing is left of any call.
    asio::awaitable<void> settled() {
        while (app.counts().calls + front.counts().running_handlers + back.counts().calls +
                   server.counts().running_handlers !=
               0)
            co_await settle();
    }
};

using proxied_body = std::function<asio::awaitable<void>(proxied&)>;

inline asio::awaitable<void> run_proxied(proxied pipes, const proxied_body& body) {
    co_await body(pipes);
}

/// Runs `body` with a pair of each sort on either side of the proxy.
inline void over_proxies(const proxied_body& body) {
    const std::pair<std::string, pair_maker> makers[] = {
        {"in process", [](asio::io_context& io) { return remora::make_pipe_pair(io); }},
        {"pipes of 4 KiB", [](asio::io_context& io) { return sized_pair(io, 4096); }},
        {"rings that lend", [](asio::io_context& io) { return lending_pair(io); }}};
    for (const auto& [near, make_near] : makers) {
        for (const auto& [far, make_far] : makers) {
            INFO("from " << near << " to " << far);
            test::run([&](asio::io_context& io) -> asio::awaitable<void> {
                auto [app, front] = make_near(io);
                auto [back, server] = make_far(io);
                return run_proxied(
                    {std::move(app), std::move(front), std::move(back), std::move(server)}, body);
            });
        }
    }
}

}  // namespace test
