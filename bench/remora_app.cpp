// SPDX-License-Identifier: MIT
// The app of the measured pair: takes the samples of one slice and prints them.
#include "remora_protocol.hpp"

#include <remora/any.hpp>
#include <remora/client.hpp>

#include <unistd.h>

#include <cstring>
#include <span>
#include <stdexcept>
#include <utility>

namespace bench {

namespace {

constexpr std::uint64_t packets_a_sample = 4096;
constexpr std::uint64_t loads_a_sample = 16;
constexpr std::size_t bytes_beside = 1u << 20;
constexpr std::size_t answer_bytes = 24 + sizeof(int);

// One slice: what to do, for how long, and what came of it.
struct slice {
    remora::client& client;
    const remora_options& options;
    recorder samples = {};
    remora::pipe meter = {};
    std::int64_t end = 0;
    std::uint64_t messages = 0;
    std::uint64_t taken = 0;  ///< items of a stream
    std::size_t size = 0;     ///< of a message
    load big = {};            ///< made before the time of the slice begins
};

asio::awaitable<remora::pipe> connect(slice& s, std::string name) {
    return s.client.connect(std::move(name),
                            {.transport = s.options.transport, .waiting = s.options.waiting});
}

asio::awaitable<usage> ask_usage(remora::pipe& meter) {
    const question q;
    co_await meter.send(q);
    const auto there = co_await meter.receive<usage>();
    usage both{there.cpu_ns + cpu_time(), std::max(there.heap, heap_in_use())};
    co_return both;
}

std::int64_t from_now(double seconds) {
    return now() + static_cast<std::int64_t>(seconds * 1e9);
}

// Once the connections are in use: Remora does not spin in a process that has one CPU from its
// start. Bursts are left to the kernel, which puts a process that it wakes beside the one that woke
// it.
void bind_to_cpus_of(const slice& s) {
    if (s.options.cpus == 2 && s.options.pattern != "bursts")
        bind_pair(::getppid(), s.options.cpus);
}

// After the warm-up.
asio::awaitable<void> begin(slice& s) {
    bind_to_cpus_of(s);
    const auto used = co_await ask_usage(s.meter);
    s.messages = 0;
    s.samples.start(used.cpu_ns);
    s.end = from_now(s.options.seconds);
}

asio::awaitable<void> finish(slice& s) {
    s.samples.stop();
    const auto used = co_await ask_usage(s.meter);
    s.samples.finish(s.messages, s.size, used.cpu_ns);
    s.samples.print();
}

// Does the work for a while, to be warm, and then as long as it counts.
template <class Work>
asio::awaitable<void> measure_work(slice& s, std::size_t size, Work work) {
    s.size = size;
    s.end = from_now(s.options.seconds / 10);
    co_await work();
    co_await begin(s);
    co_await work();
    co_await finish(s);
}

asio::awaitable<void> round_trips(slice& s, remora::pipe& maths, bool pauses) {
    asio::steady_timer pause(co_await asio::this_coro::executor);
    const bool tries = s.options.tries != 0;
    question q{0, 4, "+"};
    answer a;
    for (std::int64_t before = now(); before < s.end;) {
        if (!tries || !maths.try_send(q)) co_await maths.send(q);
        if (!tries || !maths.try_receive(a)) co_await maths.receive(a);
        const std::int64_t after = now();
        if (a.value != q.a + 4) throw std::runtime_error("a wrong answer");
        s.samples.add(after - before);
        s.messages += 2;
        before = after;
        if (static_cast<std::size_t>(++q.a) % s.options.batch != 0 || !pauses) continue;
        pause.expires_after(std::chrono::milliseconds(2));
        co_await pause.async_wait(asio::use_awaitable);
        before = now();
    }
}

asio::awaitable<void> talk(slice& s, bool pauses) {
    auto maths = co_await connect(s, "maths");
    co_await measure_work(s, answer_bytes, [&] { return round_trips(s, maths, pauses); });
}

asio::awaitable<void> send_packets(slice& s, remora::pipe& sink) {
    const bool tries = s.options.tries != 0;
    std::vector<packet> batch(s.options.batch);
    std::uint64_t count = 0;
    for (std::int64_t before = now(); before < s.end;) {
        for (std::uint64_t sent = 0; sent < packets_a_sample; sent += batch.size()) {
            for (packet& p : batch)
                p.words[0] = ++count;
            if (batch.size() == 1) {
                if (!tries || !sink.try_send(batch[0])) co_await sink.send(batch[0]);
            } else {
                co_await sink.send_all(batch);
            }
        }
        const std::int64_t after = now();
        s.samples.add((after - before) / static_cast<std::int64_t>(packets_a_sample));
        before = after;
    }
    const packet last;
    co_await sink.send(last);
    co_await sink.receive<answer>();
    s.messages += count;
}

asio::awaitable<void> send_loads(slice& s, remora::pipe& sink) {
    load& big = s.big;
    big.bytes[0] = 1;
    for (std::int64_t before = now(); before < s.end;) {
        for (std::uint64_t i = 0; i < loads_a_sample; ++i)
            co_await sink.send(big);
        const std::int64_t after = now();
        s.samples.add((after - before) / static_cast<std::int64_t>(loads_a_sample));
        before = after;
        s.messages += loads_a_sample;
    }
    big.bytes[0] = 0;
    co_await sink.send(big);
    co_await sink.receive<answer>();
}

// What the server has seen of the oldest load.
asio::awaitable<void> await_answer(remora::pipe& sink, std::uint64_t load) {
    answer seen;
    if (!sink.try_receive(seen)) co_await sink.receive(seen);
    if (seen.value != 2 * static_cast<int>(load & 0xff)) throw std::runtime_error("a wrong load");
}

remora::shared_bytes make_load(remora::pipe& sink, std::span<const std::byte> message, bool copies,
                               std::uint64_t number) {
    auto made = sink.allocate(message.size());
    if (copies) std::memcpy(made.data(), message.data(), message.size());
    made.begin()[0] = made.end()[-1] = static_cast<std::byte>(number);
    return made;
}

// By reference. `copies`: each message is copied into the block; otherwise only its ends are
// written. `counts`: these are what is measured.
asio::awaitable<void> send_lent(slice& s, remora::pipe& sink, bool copies, bool counts) {
    const auto message = std::as_bytes(std::span(s.big.bytes));
    std::uint64_t sent = 0;
    std::uint64_t answered = 0;
    for (std::int64_t before = now(); before < s.end;) {
        for (std::uint64_t i = 0; i < loads_a_sample; ++i) {
            const lent_load l{make_load(sink, message, copies, sent)};
            co_await sink.send(l);
            if (++sent - answered >= most_lent) co_await await_answer(sink, answered++);
        }
        const std::int64_t after = now();
        if (counts) s.samples.add((after - before) / static_cast<std::int64_t>(loads_a_sample));
        before = after;
    }
    while (answered != sent)
        co_await await_answer(sink, answered++);
    if (counts) s.messages += sent;
}

asio::awaitable<void> send_copied(slice& s, remora::pipe& sink) {
    return send_lent(s, sink, true, true);
}
asio::awaitable<void> send_in_place(slice& s, remora::pipe& sink) {
    return send_lent(s, sink, false, true);
}

using sending = asio::awaitable<void> (*)(slice&, remora::pipe&);

asio::awaitable<void> one_way(slice& s, const char* name, sending send) {
    auto sink = co_await connect(s, name);
    s.big.bytes.assign(s.options.bytes, 1);
    co_await measure_work(s, s.options.bytes, [&] { return send(s, sink); });
}

asio::awaitable<void> one_of_many(asio::awaitable<void> work, std::size_t& left,
                                  asio::steady_timer& all_done) {
    co_await std::move(work);
    if (--left == 0) all_done.cancel();
}

// So many coroutines, each made by `make`.
template <class Make>
asio::awaitable<void> all_of(std::size_t count, Make make) {
    const auto executor = co_await asio::this_coro::executor;
    asio::steady_timer all_done(executor, asio::steady_timer::time_point::max());
    std::size_t left = count;
    for (std::size_t i = 0; i < count; ++i)
        asio::co_spawn(executor, one_of_many(make(), left, all_done), [](std::exception_ptr why) {
            if (why) std::rethrow_exception(why);  // out of the context: the others wait for ever
        });
    std::error_code ec;
    co_await all_done.async_wait(asio::redirect_error(asio::use_awaitable, ec));
}

asio::awaitable<void> all_at_once(slice& s, std::vector<remora::pipe>& pipes) {
    auto next = pipes.begin();
    co_await all_of(pipes.size(), [&] { return round_trips(s, *next++, false); });
}

asio::awaitable<std::vector<remora::pipe>> connect_many(slice& s) {
    std::vector<remora::pipe> pipes;
    for (std::size_t i = 0; i < s.options.pipes; ++i)
        pipes.push_back(co_await connect(s, "maths"));
    co_return pipes;
}

asio::awaitable<void> many_pipes(slice& s) {
    auto pipes = co_await connect_many(s);
    co_await measure_work(s, answer_bytes, [&] { return all_at_once(s, pipes); });
}

asio::awaitable<void> send_beside(slice& s, remora::pipe& sink) {
    while (now() < s.end)
        co_await sink.send(s.big);
}

// Round trips on one pipe, while another one moves large messages; the first alone, if there shall
// be no more.
asio::awaitable<void> beside_bulk(slice& s) {
    auto maths = co_await connect(s, "maths");
    const bool lends = s.options.lends != 0;
    auto sink = co_await connect(s, lends ? "lent_loads" : "loads");
    s.big.bytes.assign(bytes_beside, 1);
    const auto bulk = [&] {
        return lends ? send_lent(s, sink, false, false) : send_beside(s, sink);
    };
    const auto work = [&] {
        bool first = true;
        return all_of(s.options.pipes, [&, first]() mutable {
            return std::exchange(first, false) ? round_trips(s, maths, false) : bulk();
        });
    };
    co_await measure_work(s, answer_bytes, work);
}

// One of those who call, again and again: a sample is the time of one call.
template <class Question>
asio::awaitable<void> call(slice& s, remora::pipe& calls) {
    Question q;
    q.b = 4;
    q.op = "+";
    for (std::int64_t before = now(); before < s.end; ++q.a) {
        const auto a = co_await calls.call(q);
        const std::int64_t after = now();
        if (a.value != q.a + 4) throw std::runtime_error("a wrong answer");
        s.samples.add(after - before);
        ++s.messages;
        before = after;
    }
}

// The same in bytes.
asio::awaitable<void> call_in_bytes(slice& s, remora::pipe& calls) {
    question q;
    q.b = 4;
    q.op = "+";
    for (std::int64_t before = now(); before < s.end; ++q.a) {
        const auto request = remora::any_value::of(q);
        auto reply = co_await calls.call_bytes(request);
        const auto a = reply.value()->as<answer>();
        const std::int64_t after = now();
        if (a.value != q.a + 4) throw std::runtime_error("a wrong answer");
        s.samples.add(after - before);
        ++s.messages;
        before = after;
    }
}

using calling = asio::awaitable<void> (*)(slice&, remora::pipe&);

asio::awaitable<void> in_flight(slice& s, remora::pipe& calls, calling call_one) {
    co_await all_of(s.options.batch, [&] { return call_one(s, calls); });
}

asio::awaitable<void> calls(slice& s, calling call_one, std::string name = "calls") {
    auto pipe = co_await connect(s, name);
    co_await measure_work(s, answer_bytes, [&] { return in_flight(s, pipe, call_one); });
}

asio::awaitable<void> take_items(slice& s, remora::stream<packet>& items) {
    for (std::int64_t before = now(); before < s.end;) {
        for (std::uint64_t i = 0; i < packets_a_sample; ++i) {
            const auto item = co_await items.next();
            if (item->words[0] != ++s.taken) throw std::runtime_error("an item is missing");
        }
        const std::int64_t after = now();
        s.samples.add((after - before) / static_cast<std::int64_t>(packets_a_sample));
        before = after;
        s.messages += packets_a_sample;
    }
}

asio::awaitable<void> items(slice& s) {
    auto pipe = co_await connect(s, "calls");
    auto packets = co_await pipe.stream<watch>();
    co_await measure_work(s, s.options.bytes, [&] { return take_items(s, packets); });
}

// From the start of the server to the first answer in the app.
asio::awaitable<void> first_answer(slice& s) {
    auto maths = co_await connect(s, "maths");
    const question q{5, 4, "+"};
    co_await maths.send(q);
    co_await maths.receive<answer>();
    const std::int64_t took = now() - s.options.begin;
    s.meter = co_await s.client.connect("meter", {.waiting = remora::wait_policy::block});
    co_await begin(s);
    s.samples.add(took);
    s.messages = 1;
    co_await finish(s);
}

// What a connection takes of the heap, in the process that takes more, before the first message: no
// buffers yet.
asio::awaitable<void> memory(slice& s) {
    auto pipes = co_await connect_many(s);
    const auto before = co_await ask_usage(s.meter);
    auto more = co_await connect_many(s);
    const auto after = co_await ask_usage(s.meter);
    const auto count = static_cast<std::int64_t>(more.size());
    s.samples.note("bytes_per_connection", (after.heap - before.heap) / count);
    s.samples.add(0);
    s.messages = 1;
    co_await finish(s);
}

asio::awaitable<void> measure(slice& s) {
    const std::string& pattern = s.options.pattern;
    if (pattern == "start") co_return co_await first_answer(s);
    s.meter = co_await s.client.connect("meter", {.waiting = remora::wait_policy::block});
    if (pattern == "round_trip") co_return co_await talk(s, false);
    if (pattern == "bursts") co_return co_await talk(s, true);
    if (pattern == "one_way") co_return co_await one_way(s, "packets", send_packets);
    if (pattern == "bulk" && s.options.lends != 0)
        co_return co_await one_way(s, "lent_loads", send_copied);
    if (pattern == "by_reference") co_return co_await one_way(s, "lent_loads", send_in_place);
    if (pattern == "bulk") co_return co_await one_way(s, "loads", send_loads);
    if (pattern == "beside_bulk") co_return co_await beside_bulk(s);
    if (pattern == "pipes") co_return co_await many_pipes(s);
    if (pattern == "calls") co_return co_await calls(s, call<question>);
    if (pattern == "calls_coroutine") co_return co_await calls(s, call<slow_question>);
    if (pattern == "calls_in_bytes") co_return co_await calls(s, call_in_bytes, "calls_in_bytes");
    if (pattern == "stream") co_return co_await items(s);
    if (pattern == "memory") co_return co_await memory(s);
    throw std::runtime_error("no such pattern: " + pattern);
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
    asio::io_context io{1};
    bench::remora_options options;
    int count = argc;
    std::vector<char*> words(argv, argv + argc + 1);
    remora::client client{
        io, count, words.data(), {.limits = bench::limits_of(std::size_t{64} << 20)}};
    CLI::App cli{"One slice of a row: measures, and prints one line of JSON."};
    std::string target;
    options.add_to(cli);
    cli.add_option("--app", target);
    CLI11_PARSE(cli, count, words.data());
    return client.run([&]() -> asio::awaitable<void> {
        if (options.pattern == "bulk") bench::keep_memory();
        bench::slice s{client, options};
        co_await bench::measure(s);
    });
}
