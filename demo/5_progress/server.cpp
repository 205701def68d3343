// SPDX-License-Identifier: MIT
// A long job: record gaps between the primes up to a limit. New here: a generator, whose items
// become a stream; it computes in slices, and is cancelled when nobody wants its items any more.
//
//     5_progress_server ./5_progress_app 10000000000
#include "protocol.hpp"

#include <remora/server.hpp>
#include <remora/service.hpp>

#include <algorithm>
#include <cstdio>
#include <vector>

namespace {

constexpr std::int64_t slice = 1 << 16;

// Sieves the numbers from `first` on: clears those that have a factor.
void sieve(std::vector<char>& is_prime, std::int64_t first) {
    const auto end = first + static_cast<std::int64_t>(is_prime.size());
    std::fill(is_prime.begin(), is_prime.end(), 1);
    for (std::int64_t factor = 2; factor * factor < end; factor += 1 + factor % 2) {
        auto multiple = std::max(factor * factor, (first + factor - 1) / factor * factor);
        for (; multiple < end; multiple += factor)
            is_prime[static_cast<std::size_t>(multiple - first)] = 0;
    }
}

// Lives in the job's frame, and so goes when that does: at the end of the job, or before.
struct witness {
    bool is_done = false;
    ~witness() {
        if (!is_done) std::printf("Server: the job was cancelled\n");
    }
};

remora::generator<news> search(find_gaps job) {
    witness seen;
    const auto executor = co_await asio::this_coro::executor;
    std::vector<char> is_prime;
    progress now;
    gap widest;
    std::int64_t last = 2;
    for (std::int64_t first = 2; first < job.limit; first += slice) {
        // Between two slices everybody else has a turn: other calls, and who cancels this one.
        co_await asio::post(executor, asio::use_awaitable);
        is_prime.resize(static_cast<std::size_t>(std::min(slice, job.limit - first)));
        sieve(is_prime, first);
        for (std::size_t i = 0; i != is_prime.size(); ++i) {
            if (!is_prime[i]) continue;
            const auto prime = first + static_cast<std::int64_t>(i);
            ++now.primes;
            if (prime - last > widest.size) {
                widest = {prime - last, last};
                co_yield widest;
            }
            last = prime;
        }
        const auto percent = static_cast<int>(std::min(first + slice, job.limit) * 100 / job.limit);
        if (percent != std::exchange(now.percent, percent)) co_yield now;
    }
    seen.is_done = true;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fprintf(stderr, "usage: %s APP [ARGUMENT...]\n", argv[0]);
        return 2;
    }
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    asio::io_context io;
    remora::service primes;
    primes.on(search);

    remora::server server{io, {.target = argv[1]}};
    server.serve("primes", primes);
    return server.run({argv + 2, argv + argc});
}
