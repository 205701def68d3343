// SPDX-License-Identifier: MIT
/// What it costs to put a message into a frame and to find it there again.
#include <remora/detail/wire/frame.hpp>

#include <benchmark/benchmark.h>

#include <array>
#include <cstddef>

namespace {

constexpr std::size_t payload = 64;
using bytes = std::array<std::byte, remora::detail::frame_header::size + payload>;

constexpr remora::detail::frame_header header{
    .length = payload, .kind = remora::detail::frame_kind::message, .tag = 0x1234};

void store_header(benchmark::State& state) {
    bytes to{};
    auto from = header;
    for (auto _ : state) {
        benchmark::DoNotOptimize(from);
        from.store(to.data());
        benchmark::DoNotOptimize(to);
    }
}

void parse(benchmark::State& state) {
    bytes from{};
    header.store(from.data());
    std::size_t wanted = 0;
    for (auto _ : state) {
        benchmark::DoNotOptimize(from);
        auto found = remora::detail::parse_frame(from, 1 << 20, wanted);
        benchmark::DoNotOptimize(found);
    }
}

}  // namespace

BENCHMARK(store_header);
BENCHMARK(parse);

BENCHMARK_MAIN();
