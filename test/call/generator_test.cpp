// SPDX-License-Identifier: MIT
// Generators and their items, without a pipe.
#include "call/generator_consumer.hpp"

#include <stdexcept>
#include <string>

using namespace test;

namespace {

using remora::generator;

TEST_CASE("a generator yields one item each time it is asked, then ends") {
    consumer c;
    auto items = count_to(2);
    c.start(items);
    CHECK(source_of(items).item() == nullptr);
    source_of(items).advance();
    REQUIRE(source_of(items).item() != nullptr);
    CHECK(*source_of(items).item() == 0);
    CHECK(!source_of(items).is_waiting());
    source_of(items).advance();
    CHECK(*source_of(items).item() == 1);
    CHECK(!source_of(items).at_end());
    source_of(items).advance();
    CHECK(source_of(items).at_end());
    CHECK(source_of(items).item() == nullptr);
    source_of(items).rethrow_failure();
}

struct author {
    std::string name;
    int born = 0;
};
struct book {
    int number = 0;
    author by;
};

generator<book> books(int) {
    const std::string ada = "Ada Lovelace, a long name", grace = "Grace Hopper, another one";
    const auto same = remora::item<author>(ada, 1815);
    for (int i = 0; i != 2; ++i)
        co_yield remora::item<book>(i, same);
    auto last = remora::item<author>(grace);
    co_yield remora::item<book>(2, last);
    co_yield remora::item<book>(3, std::move(last));
    co_yield remora::item<book>(4, remora::item<author>(grace, 1906));
}

TEST_CASE("a struct within an item is made there, or copied from what has a name") {
    consumer c;
    const auto taken = c.take_all(books(0));
    REQUIRE(taken.size() == 5);
    for (std::size_t i = 0; i != 5; ++i) {
        CHECK(taken[i].number == static_cast<int>(i));
        CHECK(taken[i].by.name.starts_with(i < 2 ? "Ada Lovelace" : "Grace Hopper"));
        CHECK(taken[i].by.born == (i < 2 ? 1815 : i < 4 ? 0 : 1906));
    }
}

TEST_CASE("a generator without items is at its end at once") {
    consumer c;
    auto items = count_to(0);
    c.start(items);
    source_of(items).advance();
    CHECK(source_of(items).at_end());
}

TEST_CASE("items come in order, with waits between them") {
    consumer c;
    const auto taken = c.take_all(count_to_in_turns(100));
    REQUIRE(taken.size() == 100);
    for (int i = 0; i != 100; ++i)
        CHECK(taken[static_cast<std::size_t>(i)] == i);
}

TEST_CASE("a generator that waits has no item until the wait is over") {
    consumer c;
    auto items = count_to_in_turns(2);
    c.start(items);
    source_of(items).advance();
    CHECK(*source_of(items).item() == 0);
    source_of(items).advance();
    CHECK(source_of(items).is_waiting());
    CHECK(source_of(items).item() == nullptr);
    CHECK(!source_of(items).at_end());
    c.io.run();
    CHECK(!source_of(items).is_waiting());
    REQUIRE(source_of(items).item() != nullptr);
    CHECK(*source_of(items).item() == 1);
}

asio::awaitable<std::string> text_in_a_while(std::string text) {
    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    if (text.empty()) throw std::runtime_error("no text");
    co_return text;
}

TEST_CASE("what an awaitable returns or throws reaches the generator that awaits it") {
    struct asking {
        static generator<std::string> ask() {
            co_yield co_await text_in_a_while("one");
            std::string failure;
            try {
                co_await text_in_a_while("");
            } catch (const std::runtime_error& e) {
                failure = e.what();
            }
            co_yield failure;
        }
    };
    consumer c;
    CHECK(c.take_all(asking::ask()) == std::vector<std::string>{"one", "no text"});
}

asio::awaitable<int> at_once() {
    co_return 7;
}

TEST_CASE("an awaitable that does not wait lets the generator go on") {
    struct asking {
        static generator<int> ask() {
            for (int i = 0; i != 3; ++i)
                co_yield co_await at_once();
        }
    };
    consumer c;
    CHECK(c.take_all(asking::ask()) == std::vector<int>{7, 7, 7});
}

generator<int> throw_after(int count, bool waits) {
    for (int i = 0; i != count; ++i)
        co_yield i;
    if (waits) co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    throw std::runtime_error("after " + std::to_string(count));
}

TEST_CASE("an exception comes after the items before it") {
    for (const bool waits : {false, true}) {
        for (const int before : {0, 2}) {
            CAPTURE(before);
            consumer c;
            auto items = throw_after(before, waits);
            c.start(items);
            for (int i = 0; i != before; ++i) {
                source_of(items).advance();
                CHECK(*source_of(items).item() == i);
            }
            source_of(items).advance();
            c.io.run();
            CHECK(source_of(items).at_end());
            CHECK(source_of(items).item() == nullptr);
            CHECK_THROWS_WITH(source_of(items).rethrow_failure(),
                              ("after " + std::to_string(before)).c_str());
        }
    }
}

TEST_CASE("a generator can be moved while it waits") {
    consumer c;
    auto items = count_to_in_turns(2);
    c.start(items);
    source_of(items).advance();
    source_of(items).advance();
    CHECK(source_of(items).is_waiting());
    auto moved = std::move(items);
    c.io.run();
    REQUIRE(source_of(moved).item() != nullptr);
    CHECK(*source_of(moved).item() == 1);
}

TEST_CASE("a million items need no more of the stack than one") {
    consumer c;
    auto items = count_to(1'000'000);
    c.start(items);
    std::int64_t sum = 0;
    for (source_of(items).advance(); !source_of(items).at_end(); source_of(items).advance())
        sum += *source_of(items).item();
    CHECK(sum == 499'999'500'000);
}

generator<int> all_at_once(int count) {
    for (int i = 0; i != count; ++i)
        co_await at_once();
    co_yield count;
}

TEST_CASE("many operations that do not wait need no more of the stack than one") {
    consumer c;
    CHECK(c.take_all(all_at_once(200'000)) == std::vector<int>{200'000});
}

}  // namespace
