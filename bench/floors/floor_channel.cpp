// SPDX-License-Identifier: MIT
// What a channel of Asio costs inside one process: between two coroutines of one io_context with
// one thread, or between two io_contexts with a thread each.
#include "../slice.hpp"

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/experimental/channel.hpp>
#include <asio/experimental/concurrent_channel.hpp>
#include <asio/io_context.hpp>
#include <asio/use_awaitable.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>
#include <utility>

namespace {

using bench::now;

// As in the demo 1_maths.
struct message {
    int a = 0, b = 0;
    std::string text;
};
using record = std::array<char, 64>;

using executor = asio::io_context::executor_type;
template <class Message>
using local_channel = asio::experimental::channel<executor, void(asio::error_code, Message)>;
template <class Message>
using shared_channel =
    asio::experimental::concurrent_channel<executor, void(asio::error_code, Message)>;

/// What a pattern runs over: both ends, and the channels between them.
template <template <class> class Channel>
struct rig {
    asio::io_context &here, &there;
    Channel<message> questions{here, 0}, answers{there, 0};
    Channel<record> records{here, 64};

    asio::awaitable<void> answer();
    asio::awaitable<void> swallow();
    asio::awaitable<std::uint64_t> round_trips(std::int64_t until, bench::recorder& samples);
    asio::awaitable<std::uint64_t> one_way(std::int64_t until, bench::recorder& samples);
    asio::awaitable<void> measure(bench::slice_options slice);
};

template <template <class> class Channel>
asio::awaitable<void> rig<Channel>::answer() {
    for (;;) {
        const message question = co_await questions.async_receive(asio::use_awaitable);
        message result{question.a * question.b, 0, ""};
        co_await answers.async_send(asio::error_code{}, std::move(result), asio::use_awaitable);
    }
}

/// Takes records, and answers the last one: the only one that is not 0.
template <template <class> class Channel>
asio::awaitable<void> rig<Channel>::swallow() {
    for (;;) {
        const record taken = co_await records.async_receive(asio::use_awaitable);
        if (taken[0] == 0) continue;
        message done;
        co_await answers.async_send(asio::error_code{}, std::move(done), asio::use_awaitable);
    }
}

template <template <class> class Channel>
asio::awaitable<std::uint64_t> rig<Channel>::round_trips(std::int64_t until,
                                                         bench::recorder& samples) {
    std::uint64_t count = 0;
    for (std::int64_t before = now(); before < until; count += 2) {
        message question{6, 7, "*"};
        co_await questions.async_send(asio::error_code{}, std::move(question), asio::use_awaitable);
        const message result = co_await answers.async_receive(asio::use_awaitable);
        const std::int64_t after = now();
        samples.add(after - before);
        before = after;
    }
    co_return count;
}

template <template <class> class Channel>
asio::awaitable<std::uint64_t> rig<Channel>::one_way(std::int64_t until, bench::recorder& samples) {
    constexpr std::uint64_t chunk = 4096;
    std::uint64_t count = 0;
    record next{};
    for (std::int64_t before = now(); before < until; count += chunk) {
        for (std::uint64_t i = 0; i < chunk; ++i)
            co_await records.async_send(asio::error_code{}, next, asio::use_awaitable);
        const std::int64_t after = now();
        samples.add((after - before) / static_cast<std::int64_t>(chunk));
        before = after;
    }
    next[0] = 1;
    co_await records.async_send(asio::error_code{}, next, asio::use_awaitable);
    const message done = co_await answers.async_receive(asio::use_awaitable);
    co_return count + 1;
}

template <template <class> class Channel>
asio::awaitable<void> rig<Channel>::measure(bench::slice_options slice) {
    const bool trips = slice.pattern == "round_trip";
    const auto run = trips ? &rig::round_trips : &rig::one_way;
    const auto time = static_cast<std::int64_t>(slice.seconds * 1e9);
    bench::recorder samples;
    co_await (this->*run)(now() + time / 10, samples);
    samples.start(bench::cpu_time());
    const std::uint64_t messages = co_await (this->*run)(now() + time, samples);
    samples.finish(messages, trips ? sizeof(message) : sizeof(record), bench::cpu_time());
    samples.print();
    here.stop();
    there.stop();
}

template <template <class> class Channel>
void run(asio::io_context& here, asio::io_context& there, const bench::slice_options& slice) {
    rig<Channel> pair{here, there};
    asio::co_spawn(there, pair.answer(), asio::detached);
    asio::co_spawn(there, pair.swallow(), asio::detached);
    asio::co_spawn(here, pair.measure(slice), asio::detached);
    std::thread second;
    if (&here != &there) second = std::thread{[&there] { there.run(); }};
    here.run();
    if (second.joinable()) second.join();
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{"What a channel of Asio costs"};
    bench::slice_options slice;
    int threads = 1;
    slice.add_to(app);
    app.add_option("--threads", threads)->check(CLI::Range(1, 2));
    CLI11_PARSE(app, argc, argv);
    if (slice.pattern != "round_trip" && slice.pattern != "one_way") {
        std::fprintf(stderr, "no pattern %s\n", slice.pattern.c_str());
        return 1;
    }

    asio::io_context here{1}, there{1};
    if (threads == 1)
        run<local_channel>(here, here, slice);
    else
        run<shared_channel>(here, there, slice);
}
