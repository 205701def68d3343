// SPDX-License-Identifier: MIT
// How long an end of a pipe keeps the thread, without pipes.
#include "support/support.hpp"

#include <remora/detail/pipe/turn.hpp>

#include <chrono>

namespace {

using namespace std::chrono_literals;
using remora::detail::turn;
using time_point = turn::clock::time_point;

constexpr auto start = time_point{} + 1h;

// How many operations it lasts beside so many others.
unsigned length(turn& mine, std::size_t others) {
    unsigned count = 1;
    while (!mine.must_yield_after(1, [others] { return others; }))
        ++count;
    return count;
}

// The turns of two who always find something at hand, and take so long for each operation: the
// length of a later one.
unsigned later_length(std::chrono::nanoseconds operation) {
    turn each[2];
    time_point now = start;
    std::chrono::nanoseconds last{};
    unsigned count = 0;
    for (int i = 0; i != 40; ++i) {
        turn& mine = each[i % 2];
        mine.begin(now, last, 1);
        count = length(mine, 1);
        last = count * operation;
        now += last;
        mine.end(now);
    }
    return count;
}

TEST_CASE("without others a turn is long, beside few short, beside many long") {
    turn mine;
    const auto length_beside = [&](std::size_t others) {
        mine.begin(start, 0ns, others);
        return length(mine, others);
    };
    CHECK(length_beside(0) == turn::most + 1);
    CHECK(length_beside(1) == turn::few + 1);
    CHECK(length_beside(2) == 2 * turn::few + 1);
    CHECK(length_beside(100) == turn::most + 1);
}

TEST_CASE("turns stay short between two who are busy, however long an operation takes") {
    for (const auto operation : {50ns, 1000ns, 5000ns, 200'000ns})
        CHECK(later_length(operation) == turn::few + 1);
}

TEST_CASE("who has waited for long has a long turn, measured by what its operations take") {
    turn mine;
    mine.begin(start, 0ns, 1);
    CHECK(length(mine, 1) == turn::few + 1);
    mine.end(start + (turn::few + 1) * 1us);
    mine.begin(start, 140us, 1);
    CHECK(length(mine, 1) == turn::most + 1);
    mine.begin(start, 80us, 1);
    CHECK(length(mine, 1) == 41);
    mine.begin(start, 80us, 2);
    CHECK(length(mine, 1) == 21);
    mine.begin(start, 1us, 1);
    CHECK(length(mine, 1) == turn::few + 1);
}

TEST_CASE("bytes count like operations") {
    turn mine;
    mine.begin(start, 0ns, 1);
    mine.count_bytes(10 * turn::bytes_like_one);
    CHECK(length(mine, 1) == turn::few + 1 - 10);
    mine.end();
    mine.count_bytes(std::size_t{1} << 30);
    CHECK(length(mine, 1) == 1);
}

TEST_CASE("who cannot yield declines once, and not again before as many operations") {
    turn mine;
    mine.begin(start, 0ns, 1);
    const auto done_before_it_declines = [&] {
        int count = 0;
        while (!mine.must_decline([] { return std::size_t{1}; }))
            ++count;
        return count;
    };
    CHECK(done_before_it_declines() == turn::few);
    CHECK(done_before_it_declines() == turn::few);
}

}  // namespace
