// SPDX-License-Identifier: MIT
// Requests that say that they may be served twice, to those who pass them on.
#include "call/proxied.hpp"

#include "wire/control_records.hpp"

using namespace test;

namespace {

struct look_up {
    using reply = sum;
    static constexpr bool idempotent = true;
    std::int64_t key = 0;
};
struct change {
    using reply = sum;
    static constexpr bool idempotent = false;
    std::int64_t key = 0;
};
struct with_field {
    using reply = sum;
    bool idempotent = true;
};
static_assert(remora::idempotent_request<look_up>);
static_assert(!remora::idempotent_request<change>);
static_assert(!remora::idempotent_request<with_field>);
static_assert(!remora::idempotent_request<add>);

/// Answers with 1 what is idempotent, and 0 otherwise.
remora::service told() {
    return remora::service().on_any(
        [](remora::any_call call) -> asio::awaitable<remora::any_answer> {
            co_return remora::any_value::of(sum{call.is_idempotent() ? 1 : 0});
        });
}

asio::awaitable<void> ask_each(proxied& p) {
    p.serve(told());
    for (int i = 0; i != 2; ++i) {
        const auto yes = co_await p.app.call<look_up>(1);
        CHECK(yes.value == 1);
        const auto changes = co_await p.app.call<change>(1);
        CHECK(changes.value == 0);
        const auto field = co_await p.app.call<with_field>(true);
        CHECK(field.value == 0);
    }
}

TEST_CASE("a request that is idempotent is told to be so, also behind a proxy") {
    const proxied_body body = ask_each;
    test::run([&](asio::io_context& io) -> asio::awaitable<void> {
        auto [app, front] = remora::make_pipe_pair(io);
        auto [back, server] = lending_pair(io);
        return run_proxied({std::move(app), std::move(front), std::move(back), std::move(server)},
                           body);
    });
}

TEST_CASE("an older program is not told that a request is idempotent, and answers it") {
    test::run([](asio::io_context& io) -> asio::awaitable<void> {
        const auto older = remora::wire::all_features & ~remora::wire::idempotence;
        auto [near, far] = lending_pair(io, 1u << 20, older);
        far.attach(told());
        const auto found = co_await near.call<look_up>(1);
        CHECK(found.value == 0);
    });
}

}  // namespace
