// SPDX-License-Identifier: MIT
// Many calls at once, some of them cancelled or too late: each completes once, with its own answer.
#include "calls.hpp"
#include "pairs.hpp"

#include <remora/pipe.hpp>

#include <algorithm>
#include <random>

using namespace test;

namespace {

using remora::failure_kind;
using remora::pipe;
using remora::service;

/// Answered with its bytes, after so many trips through the scheduler.
struct echo_later {
    using reply = blob;
    blob what;
    std::uint32_t trips = 0;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(what, trips);
    }
};

asio::awaitable<blob> echo_in_a_while(echo_later e) {
    for (std::uint32_t i = 0; i < e.trips; ++i)
        co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    co_return std::move(e.what);
}

service echoes() {
    service s({.max_in_flight = 24});  // fewer than there are callers
    s.on([](echo e) { return std::move(e.what); });
    s.on(echo_in_a_while);
    return s;
}

/// What has become of the calls.
struct tally {
    int made = 0, answered = 0, cancelled = 0, late = 0, other = 0;
    int completed() const { return answered + cancelled + late + other; }
};

/// One caller: its calls come one after the other, each of another size and end.
class storm_caller {
public:
    storm_caller(pipe& p, std::uint64_t seed, tally& all) : pipe_(p), random_(seed), all_(all) {}

    asio::awaitable<void> run(int calls) {
        for (int i = 0; i != calls; ++i) {
            const auto fate = random_() % 100;
            const auto deadline = fate < 15 ? std::chrono::microseconds(random_() % 300) : 1h;
            ++all_.made;
            background call(pipe_.get_executor(), call_once({.deadline = deadline}));
            if (fate >= 15 && fate < 30) {
                for (auto wait = random_() % 8; wait != 0; --wait)
                    co_await asio::post(pipe_.get_executor(), asio::use_awaitable);
                call.cancel();
            }
            co_await call.result();
        }
    }

private:
    blob next_blob() {
        const std::size_t most = std::size_t{1} << (random_() % 17);
        return make_blob(random_(), 1 + random_() % most);
    }

    asio::awaitable<void> call_once(remora::call_options options) {
        const echo direct{next_blob()};
        const bool later = random_() % 2 == 0;
        const auto trips = static_cast<std::uint32_t>(random_() % 6);
        const echo_later delayed{later ? direct.what : blob(), trips};
        try {
            blob back;
            if (later) {
                back = co_await pipe_.call(delayed, options);
            } else {
                back = co_await pipe_.call(direct, options);
            }
            const bool same = back.number == direct.what.number && back.bytes == direct.what.bytes;
            ++(same ? all_.answered : all_.other);
        } catch (const remora::remote_error& e) {
            ++(e.kind() == failure_kind::deadline ? all_.late : all_.other);
        } catch (const std::system_error& e) {
            ++(e.code() == asio::error::operation_aborted ? all_.cancelled : all_.other);
        }
    }

    pipe& pipe_;
    std::mt19937 random_;
    tally& all_;
};

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
        CHECK(all.other == 0);
        CHECK(all.answered > all.made / 2);
        CHECK(all.cancelled > 0);
        for (pipe* end : {&near, &far}) {
            while (end->counts().calls != 0 || end->counts().serving != 0)
                co_await settle();
            CHECK(end->counts().dropped == 0);
            CHECK(end->is_open());
        }
    });
}

}  // namespace
