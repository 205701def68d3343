// SPDX-License-Identifier: MIT
// What a pair's transport within a process does that no pipe shows.
#include "transport/in_process.hpp"

#include "support/coroutine.hpp"

#include <doctest/doctest.h>

using namespace test;

namespace {

using readiness = remora::detail::transport::readiness;

TEST_CASE("a wait within a process that begins after the close is cancelled, as one before is") {
    run([](asio::io_context& io) -> asio::awaitable<void> {
        auto [one, other] = remora::detail::make_in_process_transports(io.get_executor());
        one->close();
        for (const auto what : {readiness::readable, readiness::writable, readiness::hung_up}) {
            std::error_code ec;
            co_await one->wait(what, ec);
            CHECK(ec == asio::error::operation_aborted);
            co_await other->wait(what, ec);
            CHECK(!ec);
        }
    });
}

}  // namespace
