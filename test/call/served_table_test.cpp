// SPDX-License-Identifier: MIT
// Which calls are admitted, and when their answers have left, event by event.
#include "support/support.hpp"

#include <remora/detail/call/served_table.hpp>

#include <deque>
#include <random>

namespace {

using remora::detail::served_table;
using admission = served_table::verdict;

TEST_CASE("a call is admitted under a number larger than all before") {
    served_table table(10);
    CHECK(table.admit(0) == admission::repeated);
    CHECK(table.admit(1) == admission::admitted);
    CHECK(table.admit(1) == admission::repeated);
    CHECK(table.admit(5) == admission::admitted);
    CHECK(table.admit(4) == admission::repeated);
    CHECK(table.admit(~std::uint64_t{0}) == admission::admitted);
    CHECK(table.in_flight() == 3);
}

TEST_CASE("more calls than the limit are refused, until an answer has left") {
    served_table table(2);
    CHECK(table.admit(1) == admission::admitted);
    CHECK(table.admit(2) == admission::admitted);
    CHECK(table.admit(3) == admission::too_many);
    table.answered(100);
    CHECK(table.admit(3) == admission::too_many);
    table.written(99);
    CHECK(table.admit(3) == admission::too_many);
    table.written(100);
    CHECK(table.in_flight() == 1);
    CHECK(table.admit(3) == admission::admitted);
    CHECK(table.admit(4) == admission::too_many);
    table.set_limit(3);
    CHECK(table.admit(4) == admission::admitted);
}

TEST_CASE("answers leave one by one, as far as bytes are written") {
    served_table table(100);
    for (std::uint64_t id = 1; id <= 10; ++id) {
        table.admit(id);
        table.answered(id * 10);
    }
    table.written(9);
    CHECK(table.in_flight() == 10);
    table.written(45);
    CHECK(table.in_flight() == 6);
    table.written(45);
    CHECK(table.in_flight() == 6);
    table.admit(11);
    table.answered(110);
    table.written(109);
    CHECK(table.in_flight() == 1);
    table.written(1000);
    CHECK(table.in_flight() == 0);
}

TEST_CASE("answers behind bytes that are taken out of the queue leave so much earlier") {
    served_table table(3);
    for (std::uint64_t id = 1; id != 4; ++id)
        table.admit(id);
    table.answered(10);
    table.answered(50);
    table.answered(60);
    table.withdrawn(40, 30);
    table.written(10);
    CHECK(table.in_flight() == 2);
    table.written(19);
    CHECK(table.in_flight() == 2);
    table.written(20);
    CHECK(table.in_flight() == 1);
    table.written(30);
    CHECK(table.in_flight() == 0);
}

TEST_CASE("a served table does what a naive one does") {
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937 random(seed);
    served_table table(20);
    std::size_t unanswered = 0;
    std::deque<std::uint64_t> answers;  // where they end
    std::uint64_t id = 0, queued = 0, written = 0;
    for (int i = 0; i != 100'000; ++i) {
        CAPTURE(i);
        const bool full = unanswered + answers.size() >= 20;
        switch (random() % 3) {
            case 0:
                REQUIRE((table.admit(id + 1) == admission::admitted) == !full);
                if (!full) ++id, ++unanswered;
                break;
            case 1:
                if (unanswered == 0) break;
                --unanswered;
                table.answered(answers.emplace_back(queued += 1 + random() % 100));
                break;
            default:
                table.written(written += random() % (queued - written + 1));
                while (!answers.empty() && answers.front() <= written)
                    answers.pop_front();
        }
        REQUIRE(table.in_flight() == unanswered + answers.size());
    }
}

}  // namespace
