// SPDX-License-Identifier: MIT
/// A storm of calls: each of another size and end, some of them cancelled or too late.
#pragma once

#include "support/calls.hpp"
#include "support/coroutine.hpp"

#include <remora/pipe.hpp>

#include <cstdint>
#include <random>

namespace test {

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

inline asio::awaitable<blob> echo_in_a_while(echo_later e) {
    for (std::uint32_t i = 0; i < e.trips; ++i)
        co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    co_return std::move(e.what);
}

/// For fewer calls at a time than there are callers.
inline remora::service echoes() {
    remora::service s({.max_in_flight = 16});
    s.on([](echo e) { return std::move(e.what); });
    s.on(echo_in_a_while);
    return s;
}

/// What has become of the calls.
struct tally {
    std::uint64_t made = 0, answered = 0, cancelled = 0, late = 0, wrong = 0;
    std::uint64_t completed() const { return answered + cancelled + late + wrong; }
};

/// One caller: its calls come one after the other. `p` and `all` have to outlive it.
class storm_caller {
public:
    storm_caller(remora::pipe& p, std::uint64_t seed, tally& all)
        : pipe_(p), random_(seed), all_(all) {}

    asio::awaitable<void> run(std::uint64_t calls) {
        for (std::uint64_t i = 0; i != calls; ++i) {
            const auto fate = random_() % 100;  // some are answered before it strikes
            const auto deadline = fate < 20 ? std::chrono::microseconds(random_() % 100) : 1h;
            ++all_.made;
            background call(pipe_.get_executor(), call_once({.timeout = deadline}));
            if (fate >= 20 && fate < 40) {
                for (auto wait = random_() % 4; wait != 0; --wait)
                    co_await asio::post(pipe_.get_executor(), asio::use_awaitable);
                call.cancel();
            }
            co_await call.result();
        }
    }

private:
    // 1 B to 8 KiB, and at times up to 1 MiB.
    blob next_blob() {
        const std::size_t most = std::size_t{1} << (random_() % 64 == 0 ? 20 : random_() % 14);
        return make_blob(random_(), 1 + random_() % most);
    }

    asio::awaitable<void> call_once(remora::call_options options) {
        using remora::failure_kind;
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
            ++(same ? all_.answered : all_.wrong);
        } catch (const remora::remote_error& e) {
            ++(e.kind() == failure_kind::timed_out ? all_.late : all_.wrong);
        } catch (const std::system_error& e) {
            ++(e.code() == asio::error::operation_aborted ? all_.cancelled : all_.wrong);
        }
    }

    remora::pipe& pipe_;
    std::mt19937_64 random_;
    tally& all_;
};

}  // namespace test
