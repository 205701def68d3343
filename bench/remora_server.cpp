// SPDX-License-Identifier: MIT
// The server of the measured pair. The benchmark starts it; it starts the app, which measures.
#include "hogs.hpp"
#include "remora_protocol.hpp"

#include <remora/any.hpp>
#include <remora/server.hpp>
#include <remora/service.hpp>

#include <algorithm>
#include <span>

namespace bench {
namespace {

answer sum_of(const question& q) {
    answer a;
    a.value = q.a + q.b;
    return a;
}

asio::awaitable<void> maths(remora::pipe pipe) {
    while (const auto q = co_await pipe.next<question>()) {
        co_await pipe.send(sum_of(*q));
    }
}

asio::awaitable<void> maths_tried(remora::pipe pipe) {
    question q;
    for (;;) {
        if (!pipe.try_receive(q)) {
            auto next = co_await pipe.next<question>();
            if (!next) break;
            q = std::move(*next);
        }
        const answer a = sum_of(q);
        if (!pipe.try_send(a)) co_await pipe.send(a);
    }
}

// Takes what comes in and answers where that is asked for.
template <bool tries>
asio::awaitable<void> packets(remora::pipe pipe) {
    const answer done{1};
    packet p;
    for (std::uint64_t count = 1;; ++count) {
        if (!tries || !pipe.try_receive(p)) co_await pipe.receive(p);
        if (p.words[0] == 0) {
            co_await pipe.send(done);
            count = 0;
        } else if (p.words[0] != count) {
            throw std::runtime_error("a packet is missing");
        }
    }
}

asio::awaitable<void> loads(remora::pipe pipe) {
    const answer done{1};
    load l;
    for (;;) {
        co_await pipe.receive(l);
        if (l.bytes[0] == 0) co_await pipe.send(done);
    }
}

asio::awaitable<void> lent_loads(remora::pipe pipe) {
    lent_load l;
    for (;;) {
        co_await pipe.receive(l);
        const std::span<const std::byte> seen = l.bytes;
        const answer a{std::to_integer<int>(seen.front()) + std::to_integer<int>(seen.back())};
        l = {};
        co_await pipe.send(a);
    }
}

asio::awaitable<answer> sum_in_coroutine(slow_question q) {
    co_return sum_of(q);
}

remora::generator<packet> packets_without_end(watch) {
    packet p;
    for (;;) {
        ++p.words[0];
        co_yield p;
    }
}

remora::service calls() {
    remora::service all;
    all.on([](question q) { return sum_of(q); });
    all.on(sum_in_coroutine);
    all.on(packets_without_end);
    return all;
}

// The same question for who knows no types.
asio::awaitable<remora::any_answer> sum_in_bytes(remora::any_call call) {
    const auto q = call.request().as<question>();
    co_return remora::any_value::of(sum_of(q));
}

asio::awaitable<void> meter(remora::pipe pipe) {
    while (const auto q = co_await pipe.next<question>()) {
        const usage now{cpu_time(), heap_in_use()};
        co_await pipe.send(now);
    }
}

std::vector<std::string> words_for_app(int argc, char** argv, std::int64_t begin) {
    std::vector<std::string> words(argv + 1, argv + argc);
    words.push_back("--begin=" + std::to_string(begin));
    return words;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
    const std::int64_t begin = bench::now();
    CLI::App cli{"One slice of a row: serves the app that measures."};
    bench::remora_options options;
    std::string target;
    options.add_to(cli);
    cli.add_option("--app", target)->required();
    CLI11_PARSE(cli, argc, argv);
    bench::bind_to_cpus(options.cpus);
    if (options.pattern == "bulk") bench::keep_memory();
    const bench::hogs beside(options.hogs);
    if (options.pattern == "bulk") options.ring = std::max(options.ring, std::size_t{4} << 20);

    const auto arguments = bench::words_for_app(argc, argv, begin);
    asio::io_context io{1};
    remora::server server{io,
                          {.target = target,
                           .max_connections = std::max<std::size_t>(1024, 2 * options.pipes),
                           .limits = bench::limits_of(options.bytes),
                           .transport = options.transport,
                           .waiting = options.waiting,
                           .ring_size = options.ring,
                           .on_failure = [](std::string_view, std::exception_ptr) {}}};
    const bool tries = options.tries != 0;
    server.serve("maths", tries ? bench::maths_tried : bench::maths);
    server.serve("calls", bench::calls());
    server.serve("calls_in_bytes", remora::service().on_any(bench::sum_in_bytes));
    server.serve("packets", tries ? bench::packets<true> : bench::packets<false>);
    server.serve("loads", bench::loads);
    server.serve("lent_loads", bench::lent_loads);
    server.serve("meter", bench::meter, {.waiting = remora::wait_policy::block});
    return server.run(arguments);
}
