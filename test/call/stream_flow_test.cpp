// SPDX-License-Identifier: MIT
// The flow of a stream's items, event by event.
#include "support/support.hpp"

#include <remora/detail/call/stream_flow.hpp>

#include <algorithm>
#include <deque>
#include <random>
#include <stdexcept>
#include <vector>

namespace {

using remora::detail::stream_credit;
using remora::detail::stream_inbox;
using remora::detail::stream_window;
using item_verdict = stream_inbox::verdict;

constexpr std::uint64_t tag = 17;
constexpr std::size_t header = 24;
constexpr auto window = static_cast<std::size_t>(stream_window);

std::vector<std::byte> bytes_of(std::size_t size, unsigned first = 0) {
    std::vector<std::byte> bytes(size);
    for (std::size_t i = 0; i != size; ++i)
        bytes[i] = static_cast<std::byte>(first + i);
    return bytes;
}

item_verdict put_bytes(stream_inbox& inbox, std::size_t size, unsigned first = 0) {
    return inbox.arrived(tag, bytes_of(size, first), size + header);
}

bool is_front(const stream_inbox& inbox, std::size_t size, unsigned first = 0) {
    return std::ranges::equal(inbox.front(), bytes_of(size, first));
}

TEST_CASE("a producer may send as long as it has any credit left") {
    stream_credit credit;
    credit.sent(window - 1);
    CHECK(credit.has_room());
    credit.sent(1);
    CHECK(!credit.has_room());
    CHECK(credit.granted(1));
    CHECK(credit.has_room());
}

TEST_CASE("an item larger than the window uses up credit for more than one window") {
    stream_credit credit;
    credit.sent(3 * window);
    CHECK(credit.granted(2 * window));
    CHECK(!credit.has_room());
    CHECK(credit.granted(window));
    CHECK(credit.has_room());
    CHECK(!credit.granted(1));
}

TEST_CASE("credit that nobody can have is refused, and changes nothing") {
    stream_credit credit;
    CHECK(credit.granted(0));
    CHECK(!credit.granted(1));
    credit.sent(100);
    for (const std::uint64_t bytes :
         {std::uint64_t{101}, std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
        CAPTURE(bytes);
        CHECK(!credit.granted(bytes));
    }
    CHECK(credit.granted(100));
    CHECK(!credit.granted(1));
}

TEST_CASE("items come out as they came in, empty ones too") {
    stream_inbox inbox(tag);
    CHECK(inbox.empty());
    CHECK(put_bytes(inbox, 3, 1) == item_verdict::taken);
    CHECK(put_bytes(inbox, 0) == item_verdict::taken);
    CHECK(put_bytes(inbox, 5, 9) == item_verdict::taken);
    CHECK(is_front(inbox, 3, 1));
    inbox.pop();
    CHECK(!inbox.empty());
    CHECK(inbox.front().empty());
    inbox.pop();
    CHECK(is_front(inbox, 5, 9));
    inbox.pop();
    CHECK(inbox.empty());
    CHECK(!inbox.at_end());
}

TEST_CASE("an item without credit is too much, the one that used it up was not") {
    stream_inbox inbox(tag);
    CHECK(put_bytes(inbox, window - header - 1) == item_verdict::taken);
    CHECK(put_bytes(inbox, 1000) == item_verdict::taken);
    CHECK(put_bytes(inbox, 0) == item_verdict::too_much);
    inbox.pop();
    CHECK(put_bytes(inbox, 0) == item_verdict::too_much);  // its credit was not given back
    CHECK(inbox.take_credit() == window - 1);
    CHECK(put_bytes(inbox, 0) == item_verdict::taken);
}

TEST_CASE("the last byte of the window is credit, and the next is none") {
    stream_inbox inbox(tag);
    CHECK(put_bytes(inbox, window - header) == item_verdict::taken);
    CHECK(put_bytes(inbox, 0) == item_verdict::too_much);
}

TEST_CASE("an item larger than the window comes alone") {
    stream_inbox inbox(tag);
    CHECK(put_bytes(inbox, 5 * window, 3) == item_verdict::taken);
    CHECK(put_bytes(inbox, 0) == item_verdict::too_much);
    CHECK(is_front(inbox, 5 * window, 3));
    inbox.pop();
    CHECK(inbox.take_credit() == 5 * window + header);
    CHECK(put_bytes(inbox, 5 * window) == item_verdict::taken);
    CHECK(put_bytes(inbox, 0) == item_verdict::too_much);
}

TEST_CASE("credit is given back in pieces that are worth a frame, each once") {
    stream_inbox inbox(tag);
    constexpr std::size_t each = window / 8;
    for (int i = 0; i != 8; ++i)
        CHECK(put_bytes(inbox, each - header) == item_verdict::taken);
    for (int i = 0; i != 3; ++i) {
        inbox.pop();
        CHECK(inbox.take_credit() == 0);
    }
    inbox.pop();
    CHECK(inbox.take_credit() == 4 * each);
    CHECK(inbox.take_credit() == 0);
}

TEST_CASE("a stream that begins small gets more while its items are taken as they come") {
    constexpr auto first = static_cast<std::size_t>(remora::detail::first_window);
    stream_inbox inbox(tag, remora::detail::first_window);
    stream_credit credit(remora::detail::first_window);
    for (std::size_t now = first; now != window; now *= 2) {
        CHECK(inbox.window() == static_cast<std::int64_t>(now));
        for (int i = 0; i != 2; ++i) {
            CHECK(credit.has_room());
            credit.sent(now / 2);
            CHECK(put_bytes(inbox, now / 2 - header) == item_verdict::taken);
        }
        CHECK(!credit.has_room());
        inbox.pop();
        CHECK(inbox.wanted() == 0);  // one is left
        inbox.pop();
        REQUIRE(inbox.wanted() == static_cast<std::int64_t>(now));
        inbox.grow(inbox.wanted());
        CHECK(credit.granted(inbox.take_credit()));
    }
    credit.sent(window);
    put_bytes(inbox, window - header);
    inbox.pop();
    CHECK(inbox.wanted() == 0);
    CHECK(credit.granted(inbox.take_credit()));
}

TEST_CASE("no credit is given back after the end") {
    stream_inbox inbox(tag);
    put_bytes(inbox, window);
    inbox.end();
    inbox.pop();
    CHECK(inbox.take_credit() == 0);
}

TEST_CASE("a stream is at its end once the items before were taken") {
    stream_inbox inbox(tag);
    put_bytes(inbox, 1);
    inbox.end();
    CHECK(inbox.has_ended());
    CHECK(!inbox.at_end());
    CHECK(put_bytes(inbox, 1) == item_verdict::after_end);
    inbox.pop();
    CHECK(inbox.at_end());
    CHECK(inbox.failure() == nullptr);
    CHECK(put_bytes(inbox, 1) == item_verdict::after_end);
}

TEST_CASE("a stream that fails has its items first, and the first failure stays") {
    stream_inbox inbox(tag);
    put_bytes(inbox, 2, 5);
    const auto why = std::make_exception_ptr(std::runtime_error("first"));
    inbox.end(why);
    inbox.end(std::make_exception_ptr(std::runtime_error("second")));
    inbox.end();
    CHECK(inbox.failure() == why);
    CHECK(!inbox.at_end());
    CHECK(is_front(inbox, 2, 5));
    inbox.pop();
    CHECK(inbox.at_end());
}

TEST_CASE("a failure after a clean end is none") {
    stream_inbox inbox(tag);
    inbox.end();
    inbox.end(std::make_exception_ptr(std::runtime_error("late")));
    CHECK(inbox.failure() == nullptr);
}

TEST_CASE("an item of another type is told, and not kept") {
    stream_inbox inbox(tag);
    CHECK(inbox.arrived(tag + 1, bytes_of(3), 27) == item_verdict::wrong_type);
    CHECK(inbox.empty());
}

TEST_CASE("a stream that is refused has its items first, and passes over what still comes") {
    stream_inbox inbox(tag);
    put_bytes(inbox, 2, 5);
    const auto why = std::make_exception_ptr(std::runtime_error("refused"));
    inbox.refuse(why);
    CHECK(inbox.arrived(tag + 1, bytes_of(3), 27) == item_verdict::taken);
    CHECK(put_bytes(inbox, window) == item_verdict::taken);
    CHECK(put_bytes(inbox, 1) == item_verdict::too_much);
    inbox.end();
    CHECK(inbox.failure() == why);
    CHECK(is_front(inbox, 2, 5));
    inbox.pop();
    CHECK(inbox.at_end());
}

TEST_CASE("what is discarded goes at once, what still comes uses up credit, and none returns") {
    stream_inbox inbox(tag);
    put_bytes(inbox, window / 2);
    inbox.discard();
    CHECK(inbox.empty());
    CHECK(put_bytes(inbox, window / 2) == item_verdict::taken);
    CHECK(inbox.empty());
    CHECK(inbox.take_credit() == 0);
    CHECK(put_bytes(inbox, 1) == item_verdict::too_much);
}

/// Both ends of a stream, and how much of it is on its way.
struct both_ends {
    stream_credit credit;
    stream_inbox inbox{tag};
    std::deque<std::pair<std::size_t, unsigned>> items;
    std::uint64_t sent = 0, given = 0;
    std::mt19937 random;

    bool produce() {
        if (!credit.has_room()) return true;
        const std::size_t size = random() % 50 == 0 ? random() % window : random() % 2000;
        const unsigned first = random() % 256;
        sent += size + header;
        credit.sent(size + header);
        items.emplace_back(size, first);
        return put_bytes(inbox, size, first) == item_verdict::taken;
    }
    bool consume() {
        if (items.empty()) return inbox.empty();
        const auto [size, first] = items.front();
        items.pop_front();
        const bool same = is_front(inbox, size, first);
        inbox.pop();
        const auto bytes = inbox.take_credit();
        given += bytes;
        return same && given <= sent && credit.granted(bytes);
    }
};

TEST_CASE("a producer that keeps to its credit is never too much, and never stuck") {
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    both_ends stream{.credit = {}, .items = {}, .random = std::mt19937(seed)};
    for (int i = 0; i != 20'000; ++i) {
        CAPTURE(i);
        const bool produces = stream.random() % 1000 < (i / 1000 % 2 == 0 ? 700u : 300u);
        REQUIRE((produces ? stream.produce() : stream.consume()));
        REQUIRE((!stream.items.empty() || stream.credit.has_room()));
    }
}

}  // namespace
