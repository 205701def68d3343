// SPDX-License-Identifier: MIT
// Which answer belongs to which call, event by event.
#include "support/coroutine.hpp"

#include <remora/detail/call/call_table.hpp>
#include <remora/detail/call/pending_call.hpp>

#include <array>
#include <map>
#include <random>
#include <set>

namespace {

using namespace test;
using remora::detail::call_table;
using remora::detail::pending_call;
using verdict = call_table::verdict;

constexpr call_table::time no_deadline = call_table::time::max();

call_table::time at(int seconds) {
    return call_table::time(std::chrono::seconds(seconds));
}

struct caller final : pending_call {
    void on_frame(remora::detail::pipe_end&, const remora::detail::frame&) override {}
    void fail(std::exception_ptr) noexcept override {}
    void wake() override {}
    std::string_view request_name() const noexcept override { return "caller"; }
};

std::optional<call_table::id> number_of(const std::optional<call_table::late_call>& late) {
    return late ? std::optional(late->number) : std::nullopt;
}

TEST_CASE("calls are numbered from 1 on, and no number is used twice") {
    call_table table;
    caller one, two;
    CHECK(table.begin(one, no_deadline) == 1);
    CHECK(table.begin(two, no_deadline) == 2);
    table.finish(2);
    CHECK(table.begin(two, no_deadline) == 3);
    table.withdraw(3);
    CHECK(table.begin(two, no_deadline) == 4);
    CHECK(table.size() == 2);
}

TEST_CASE("an answer finds its call, and a second one is told from it") {
    call_table table;
    caller one, two;
    const auto first = table.begin(one, no_deadline), second = table.begin(two, no_deadline);
    CHECK(table.find(second).call == &two);
    const auto answer = table.finish(second);
    CHECK(answer.what == verdict::expected);
    CHECK(answer.call == &two);
    CHECK(table.finish(second).what == verdict::repeated);
    CHECK(table.find(second).what == verdict::repeated);
    CHECK(table.find(second).call == nullptr);
    CHECK(table.find(first).what == verdict::expected);
    CHECK(table.size() == 1);
}

TEST_CASE("an answer to a call that was never made is unknown") {
    call_table table;
    caller one;
    CHECK(table.find(1).what == verdict::unknown);
    table.begin(one, no_deadline);
    for (const call_table::id n : {std::uint64_t{0}, std::uint64_t{2}, ~std::uint64_t{0}}) {
        CAPTURE(n);
        CHECK(table.find(n).what == verdict::unknown);
        CHECK(table.finish(n).what == verdict::unknown);
    }
    CHECK(table.size() == 1);
}

TEST_CASE("the answer to an abandoned call is late, the one after it repeated") {
    call_table table;
    caller one;
    const auto id = table.begin(one, at(1));
    CHECK(table.abandon(id));
    CHECK(!table.abandon(id));
    CHECK(table.size() == 1);
    CHECK(table.next_deadline() == no_deadline);
    CHECK(table.find(id).what == verdict::abandoned);
    CHECK(table.find(id).call == nullptr);
    CHECK(table.finish(id).what == verdict::abandoned);
    CHECK(table.finish(id).what == verdict::repeated);
    CHECK(table.size() == 0);
}

TEST_CASE("only a call that is waited for can be abandoned") {
    call_table table;
    caller one;
    CHECK(!table.abandon(0));
    CHECK(!table.abandon(1));
    const auto id = table.begin(one, no_deadline);
    table.finish(id);
    CHECK(!table.abandon(id));
}

TEST_CASE("a request that was not sent leaves no call behind, and no deadline") {
    call_table table;
    caller one;
    table.withdraw(table.begin(one, at(1)));
    table.withdraw(7);
    CHECK(table.size() == 0);
    CHECK(table.next_deadline() == no_deadline);
    CHECK(!table.expired(at(9)));
    CHECK(table.extract_any() == nullptr);
}

TEST_CASE("calls expire in the order of their deadlines, and not before") {
    call_table table;
    caller one;
    const auto late = table.begin(one, at(30)), soon = table.begin(one, at(10));
    const auto next = table.begin(one, at(20)), same = table.begin(one, at(10));
    table.begin(one, no_deadline);
    CHECK(table.next_deadline() == at(10));
    CHECK(!table.expired(at(10) - 1ns));
    for (const auto id : {soon, same, next, late}) {
        CHECK(number_of(table.expired(at(30))) == id);
        CHECK(table.abandon(id));
    }
    CHECK(!table.expired(at(1'000'000)));
    CHECK(table.next_deadline() == no_deadline);
}

TEST_CASE("a call that expires is told with the limit that it began with") {
    call_table table;
    caller one;
    table.begin(one, at(20), 2s);
    table.begin(one, at(10), 1ms);
    CHECK(table.expired(at(20))->limit == 1ms);
    table.finish(2);
    CHECK(table.expired(at(20))->limit == 2s);
}

TEST_CASE("a call whose answer has come does not expire") {
    call_table table;
    caller one;
    const auto soon = table.begin(one, at(10)), later = table.begin(one, at(20));
    table.finish(soon);
    CHECK(table.next_deadline() == at(20));
    CHECK(!table.expired(at(15)));
    CHECK(number_of(table.expired(at(20))) == later);
}

TEST_CASE("at the end every call that is waited for is taken out once") {
    call_table table;
    std::array<caller, 5> callers;
    for (auto& each : callers)
        table.begin(each, at(1));
    table.abandon(2);
    table.finish(4);
    std::set<pending_call*> taken;
    while (auto* const call = table.extract_any())
        CHECK(taken.insert(call).second);
    CHECK(taken == std::set<pending_call*>{&callers[0], &callers[2], &callers[4]});
    CHECK(table.size() == 0);
    CHECK(table.next_deadline() == no_deadline);
}

TEST_CASE("one call may be made at first, then as many as the other end allows") {
    call_table table;
    caller one;
    CHECK(table.has_room());
    CHECK(!table.has_room(1));
    const auto id = table.begin(one, no_deadline);
    CHECK(!table.has_room());
    table.set_window(3);
    CHECK(table.has_room(1));
    CHECK(!table.has_room(2));
    table.set_window(0);
    CHECK(!table.has_room());
    table.set_window(1);
    table.abandon(id);  // still to be answered
    CHECK(!table.has_room());
    table.finish(id);
    CHECK(table.has_room());
}

/// The same as a call_table, by going through all calls.
class naive_table {
public:
    std::uint64_t begin(pending_call& call, call_table::time until) {
        calls_[++last_] = {&call, until};
        return last_;
    }
    std::pair<verdict, pending_call*> find(std::uint64_t id) const {
        if (id == 0 || id > last_) return {verdict::unknown, nullptr};
        const auto found = calls_.find(id);
        if (found == calls_.end()) return {verdict::repeated, nullptr};
        auto* const call = found->second.first;
        return {call == nullptr ? verdict::abandoned : verdict::expected, call};
    }
    void forget(std::uint64_t id) { calls_.erase(id); }
    bool abandon(std::uint64_t id) {
        if (find(id).first != verdict::expected) return false;
        calls_[id] = {nullptr, no_deadline};
        return true;
    }
    call_table::time next_deadline() const {
        auto next = no_deadline;
        for (const auto& [id, call] : calls_)
            next = std::min(next, call.second);
        return next;
    }
    std::optional<std::uint64_t> expired(call_table::time now) const {
        const auto next = next_deadline();
        if (next > now) return std::nullopt;
        for (const auto& [id, call] : calls_)
            if (call.second == next) return id;
        return std::nullopt;
    }
    std::size_t size() const { return calls_.size(); }
    std::uint64_t last() const { return last_; }

private:
    std::map<std::uint64_t, std::pair<pending_call*, call_table::time>> calls_;
    std::uint64_t last_ = 0;
};

/// Does the same with both, and says whether they agree.
struct both_tables {
    call_table table;
    naive_table naive;
    std::array<caller, 8> callers;
    std::mt19937 random;

    bool begin() {
        if (naive.size() >= 64) return finish(random() % (naive.last() + 1));
        auto& call = callers[random() % callers.size()];
        const auto until = random() % 2 == 0 ? no_deadline : at(static_cast<int>(random() % 1000));
        return table.begin(call, until) == naive.begin(call, until);
    }
    bool finish(std::uint64_t id) {
        const auto expected = naive.find(id);
        naive.forget(id);
        const auto got = table.finish(id);
        return got.what == expected.first && got.call == expected.second;
    }
    bool withdraw(std::uint64_t id) {
        table.withdraw(id);
        naive.forget(id);
        return table.find(id).what == naive.find(id).first;
    }
    bool expire(call_table::time now) {
        const auto id = naive.expired(now);
        if (number_of(table.expired(now)) != id) return false;
        return !id || table.abandon(*id) == naive.abandon(*id);
    }
    bool step() {
        const auto last = naive.last();
        const auto id = last - std::min<std::uint64_t>(last, random() % 80) + random() % 3;
        switch (random() % 6) {
            case 0:
                return table.abandon(id) == naive.abandon(id);
            case 1:
                return finish(id);
            case 2:
                return withdraw(id);
            case 3:
                return expire(at(static_cast<int>(random() % 1000)));
            default:
                return begin();
        }
    }
    bool set_features() const {
        return table.size() == naive.size() && table.next_deadline() == naive.next_deadline();
    }
};

TEST_CASE("a call table does what a naive one does") {
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    both_tables tables{.table = {}, .naive = {}, .callers = {}, .random = std::mt19937(seed)};
    for (int i = 0; i != 100'000; ++i) {
        CAPTURE(i);
        REQUIRE((tables.step() && tables.set_features()));
    }
}

}  // namespace
