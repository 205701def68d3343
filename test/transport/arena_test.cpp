// SPDX-License-Identifier: MIT
// What the ends of a connection lend each other: the owner's allocator, and what it believes of the
// reader; the reader's checks, and what it gives back.
#include "support/support.hpp"

#include "transport/block_map.hpp"
#include "transport/borrower.hpp"
#include "transport/lender.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <random>
#include <thread>

namespace {

using namespace test;
using remora::byte_buffer;
using remora::errc;
using remora::detail::block_map;
using remora::detail::block_ref;
using remora::detail::borrower;
using remora::detail::lender;
using remora::detail::loan;
using remora::detail::shared_rings;
using remora::detail::shm_arena;
using remora::detail::side;

TEST_CASE("a range is given out from its start, and refuses more than it has") {
    block_map map(100);
    CHECK(map.take(60)->offset == 0);
    CHECK(map.take(40)->offset == 60);
    CHECK(!map.take(1));
    map.give_back(0);
    CHECK(!map.take(61));
    CHECK(map.take(60)->offset == 0);
}

TEST_CASE("parts that were used before are preferred, the smallest that fits") {
    block_map map(1000);
    CHECK(!map.take(100)->has_pages);
    map.take(10);
    CHECK(!map.take(50)->has_pages);
    map.take(10);
    map.give_back(0);
    map.give_back(110);
    const auto found = map.take(40);
    CHECK(found->offset == 110);
    CHECK(found->has_pages);
    CHECK(map.take(200)->offset == 170);
}

TEST_CASE("free neighbours make one part, with pages only if all of it has them") {
    block_map map(100);
    map.take(30);
    map.take(30);
    map.give_back(30);
    map.give_back(0);
    CHECK(map.take(60)->has_pages);
    map.give_back(0);
    const auto all = map.take(100);
    CHECK(all->offset == 0);
    CHECK(!all->has_pages);
    map.give_back(0, false);
    CHECK(!map.take(1)->has_pages);
}

TEST_CASE("what is given out never overlaps, whatever the order") {
    std::mt19937 random(1);
    block_map map(1000);
    std::deque<std::pair<std::uint64_t, std::uint64_t>> used;
    for (int i = 0; i != 10000; ++i) {
        const std::uint64_t size = 1 + random() % 200;
        const auto found = random() % 2 == 0 ? map.take(size) : std::nullopt;
        if (found) {
            for (const auto& [offset, length] : used)
                REQUIRE((found->offset + size <= offset || offset + length <= found->offset));
            REQUIRE(found->offset + size <= 1000);
            used.emplace_back(found->offset, size);
        } else if (!used.empty()) {
            std::swap(used.front(), used[random() % used.size()]);
            map.give_back(used.front().first);
            used.pop_front();
        }
    }
    for (const auto& [offset, length] : used)
        map.give_back(offset);
    CHECK(map.take(1000));
}

// The two ends of a connection, without its pipe: `near` lends, `far` borrows.
struct two_ends {
    static constexpr std::uint64_t range = 64u << 10;
    std::shared_ptr<shm_arena> arena = shm_arena::make();
    std::uint64_t place = arena->allocate(4096, range);
    std::shared_ptr<shared_rings> near_memory =
        std::make_shared<shared_rings>(arena, place, 4096, side::server, range);
    std::shared_ptr<shared_rings> far_memory =
        std::make_shared<shared_rings>(arena, place, 4096, side::app, range);
    std::shared_ptr<lender> near = std::make_shared<lender>(near_memory, range);
    std::shared_ptr<borrower> far = std::make_shared<borrower>(far_memory);
    std::vector<block_ref> borrowed;

    // The table of a frame that lends these.
    std::vector<std::byte> lend(std::initializer_list<block_ref> blocks) {
        for (const block_ref& each : blocks)
            near->lend(*each);
        byte_buffer out;
        near->put_table(out);
        near->lend_pending();
        return {out.data(), out.data() + out.size() - 4};
    }
    void borrow(std::span<const std::byte> table) { far->borrow(table, borrowed); }
    failure failure_to_borrow(std::initializer_list<loan> loans) {
        std::vector<std::byte> table(loans.size() * loan::size_in_table);
        std::byte* to = table.data();
        for (const loan& each : loans)
            each.store(std::exchange(to, to + loan::size_in_table));
        const std::size_t before = borrowed.size();
        const auto failure = failure_of([&] { borrow(table); });
        if (failure.code) borrowed.resize(before);
        return failure;
    }
    // What a peer can write to: how many loans it has given back.
    std::atomic<std::uint32_t>& given_back(std::uint32_t slot) {
        return far_memory->given_back(side::server, slot);
    }
    std::uint64_t memory_in_use() const {
        struct stat info{};
        ::fstat(arena->fd(), &info);
        return static_cast<std::uint64_t>(info.st_blocks) * 512;
    }
};

TEST_CASE("what one end writes the other reads, at once and in the same memory") {
    two_ends ends;
    const auto block = ends.near->allocate(5000);
    REQUIRE(block.bytes().size() == 5000);
    std::ranges::fill(block.bytes(), std::byte{7});
    ends.borrow(ends.lend({block}));
    REQUIRE(ends.borrowed.at(0).bytes().size() == 5000);
    CHECK(std::ranges::equal(ends.borrowed[0].bytes(), block.bytes()));
    block.bytes()[4999] = std::byte{8};
    CHECK(ends.borrowed[0].bytes()[4999] == std::byte{8});
    CHECK(ends.borrowed[0]->is_shared());
}

TEST_CASE("memory is used again when both ends have dropped it, in any order") {
    for (const bool near_first : {true, false}) {
        two_ends ends;
        auto block = ends.near->allocate(two_ends::range);
        ends.borrow(ends.lend({block}));
        if (near_first) block = {};
        CHECK(!ends.near->allocate(4096));
        ends.borrowed.clear();
        CHECK(bool(ends.near->allocate(4096)) == near_first);
        block = {};
        CHECK(ends.near->allocate(two_ends::range));
    }
}

TEST_CASE("a block that was lent several times is free when all loans were given back") {
    two_ends ends;
    auto block = ends.near->allocate(two_ends::range);
    const auto first = ends.lend({block});
    const auto second = ends.lend({block, block});
    CHECK(second.size() == loan::size_in_table);
    block = {};
    ends.borrow(first);
    ends.borrowed.clear();
    CHECK(!ends.near->allocate(4096));
    ends.borrow(second);
    CHECK(!ends.near->allocate(4096));
    ends.borrowed.clear();
    CHECK(ends.near->allocate(two_ends::range));
}

TEST_CASE("where there is no room, or no slot, nothing is allocated") {
    two_ends ends;
    CHECK(!ends.near->allocate(two_ends::range + 1));
    const auto first = ends.near->allocate(1);
    CHECK(!ends.near->allocate(two_ends::range - 4095));
    CHECK(ends.near->allocate(two_ends::range - 4096));
    const auto none = std::make_shared<lender>(ends.near_memory, 4095);
    CHECK(!none->allocate(1));
}

TEST_CASE("an end has 256 slots") {
    const auto arena = shm_arena::make();
    const std::uint64_t range = 1u << 21;
    const auto place = arena->allocate(4096, range);
    const auto memory = std::make_shared<shared_rings>(arena, place, 4096, side::app, range);
    const auto near = std::make_shared<lender>(memory, range);
    std::vector<block_ref> blocks(256);
    for (auto& each : blocks)
        each = near->allocate(1);
    CHECK(blocks.back());
    CHECK(!near->allocate(1));
    blocks.pop_back();
    CHECK(near->allocate(1));
}

TEST_CASE("what a frame would have lent is not lent if there is no frame") {
    two_ends ends;
    auto block = ends.near->allocate(two_ends::range);
    ends.near->lend(*block);
    ends.near->drop_pending();
    CHECK(!ends.near->has_pending());
    block = {};
    CHECK(ends.near->allocate(two_ends::range));
}

TEST_CASE("a reader that says what it likes frees nothing that the owner uses, or has not lent") {
    two_ends ends;
    auto used = ends.near->allocate(4096);
    auto lent = ends.near->allocate(two_ends::range - 4096);
    for (std::uint32_t slot = 0; slot != 256; ++slot)
        ends.given_back(slot) = 12345;
    CHECK(!ends.near->allocate(1));
    ends.lend({lent});
    lent = {};
    CHECK(!ends.near->allocate(1));
    ends.given_back(1) = 1;  // what an honest reader would have said
    const auto next = ends.near->allocate(two_ends::range - 4096);
    CHECK(next);
    CHECK(!ends.near->allocate(1));
    CHECK(used.bytes().data() + 4096 == next.bytes().data());
}

TEST_CASE("a loan that no honest end makes is an error of the protocol") {
    two_ends ends;
    const std::uint64_t range = two_ends::range;
    const loan good{.slot = 3, .generation = 5, .offset = 4096, .size = 4096};
    const auto refused = [&](std::initializer_list<loan> loans, const char* why) {
        const auto failure = ends.failure_to_borrow(loans);
        CHECK(failure.code == code(errc::protocol_error));
        CHECK_MESSAGE(failure.has(why), failure.text);
    };
    REQUIRE(!ends.failure_to_borrow({good}).code);
    refused({{256, 1, 0, 1}}, "no such slot");
    refused({{~0u, 1, 0, 1}}, "no such slot");
    refused({{0, 1, 0, 0}}, "not within");
    refused({{0, 1, range, 1}}, "not within");
    refused({{0, 1, 0, range + 1}}, "not within");
    refused({{0, 1, ~0ull, 2}}, "not within");
    refused({{0, 1, 1, ~0ull}}, "not within");
    refused({{0, 1, 8192, 1}, {0, 1, 8192, 1}}, "twice");
    refused({{3, 4, 4096, 4096}}, "stale");
    refused({{3, 6, 4096, 4096}}, "still borrowed");
    refused({{3, 5, 4096, 4095}}, "still borrowed");
    refused({{4, 1, 8191, 1}}, "overlaps");
    refused({{4, 1, 0, range}}, "overlaps");
    CHECK(!ends.failure_to_borrow({good}).code);
    CHECK(!ends.failure_to_borrow({{4, 1, 0, 4096}, {5, 1, 8192, 1}}).code);
}

TEST_CASE("what was given back may be lent again, as another block") {
    two_ends ends;
    REQUIRE(!ends.failure_to_borrow({{3, 5, 4096, 4096}}).code);
    ends.borrowed.clear();
    CHECK(ends.given_back(3) == 1);
    CHECK(ends.failure_to_borrow({{3, 4, 4096, 4096}}).has("stale"));
    REQUIRE(!ends.failure_to_borrow({{3, 6, 0, 100}}).code);
    REQUIRE(!ends.failure_to_borrow({{4, 1, 4096, 4096}}).code);
    ends.borrowed.clear();
    CHECK(ends.given_back(3) == 2);
}

TEST_CASE("blocks stay readable when both ends have closed, and the memory goes back after them") {
    two_ends ends;
    auto block = ends.near->allocate(4096);
    block.bytes()[0] = std::byte{9};
    ends.borrow(ends.lend({block}));
    ends.near.reset();
    ends.near_memory.reset();
    ends.far.reset();
    ends.far_memory.reset();
    block = {};
    CHECK(ends.borrowed[0].bytes()[0] == std::byte{9});
    CHECK(ends.memory_in_use() == 3 * 4096 + 4096);
    ends.borrowed.clear();
    CHECK(ends.memory_in_use() == 0);
}

TEST_CASE("when the app has ended all that its server holds goes back, without the app") {
    two_ends ends;
    ends.lend({ends.near->allocate(8192)});
    ends.near.reset();
    ends.near_memory.reset();
    CHECK(ends.memory_in_use() == 3 * 4096 + 8192);
    CHECK(ends.arena->kept() == 8192);
    ends.arena->app_ended();
    CHECK(ends.memory_in_use() == 0);
}

TEST_CASE("blocks may be dropped on other threads while their owner allocates") {
    two_ends ends;
    for (int round = 0; round != 2000; ++round) {
        auto block = ends.near->allocate(4096 * (1 + round % 3));
        REQUIRE(block);
        ends.borrow(ends.lend({block, ends.near->allocate(1)}));
        auto copies = ends.borrowed;
        std::thread one([mine = std::move(copies)]() mutable { mine.clear(); });
        std::thread other([mine = std::move(block)]() mutable { mine = {}; });
        ends.borrowed.clear();
        one.join();
        other.join();
    }
    CHECK(ends.near->allocate(two_ends::range));
}

}  // namespace
