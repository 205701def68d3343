// SPDX-License-Identifier: MIT
// Many calls at once, some of them cancelled or too late: each completes once, with its own answer.
#include "support/call_storm.hpp"
#include "support/pairs.hpp"

using namespace test;

namespace {

using remora::pipe;

TEST_CASE("in a storm of calls each completes once, with its own answer") {
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    over_every_transport([seed](pipe near, pipe far) -> asio::awaitable<void> {
        near.attach(echoes());
        far.attach(echoes());
        tally all;
        std::vector<std::unique_ptr<storm_caller>> callers;
        std::vector<std::unique_ptr<background>> running;
        for (unsigned i = 0; i != 40; ++i) {
            auto& from = i % 4 == 0 ? far : near;
            callers.push_back(std::make_unique<storm_caller>(from, seed + i, all));
            running.push_back(
                std::make_unique<background>(near.get_executor(), callers.back()->run(50)));
        }
        for (auto& each : running)
            co_await each->result();
        CHECK(all.made == 2000);
        CHECK(all.completed() == all.made);
        CHECK(all.wrong == 0);
        CHECK(all.answered > all.made / 2);
        CHECK(all.cancelled > 0);
        for (pipe* end : {&near, &far}) {
            while (end->counts().calls != 0 || end->counts().running_handlers != 0)
                co_await settle();
            CHECK(end->counts().dropped == 0);
            CHECK(end->is_open());
        }
    });
}

}  // namespace
