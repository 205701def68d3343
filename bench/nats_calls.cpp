// SPDX-License-Identifier: MIT
// Calls from a pipe through a gateway, NATS, and one of some workers, each a process.
#include "nats_calls.hpp"
#include "remora_protocol.hpp"

#include <remora/nats.hpp>
#include <remora/pipe.hpp>
#include <remora/service.hpp>

namespace bench {
namespace {

void serve(const std::string& url, auto ready) {
    asio::io_context io{1};
    remora::service maths;
    maths.on([](question q) {
        answer a;
        a.value = q.a + q.b;
        return a;
    });
    const remora::nats::worker worker(io.get_executor(), maths,
                                      {.service = "maths", .connection = {.servers = {url}}});
    ready();
    io.run();
}

struct scene {
    asio::io_context io{1};
    recorder samples;
    std::uint64_t count = 0;
    std::int64_t end = 0;
};

asio::awaitable<void> call_until_end(scene& at, remora::pipe& app) {
    const question q;
    for (auto before = now(); before < at.end;) {
        co_await app.call(q);
        const auto after = now();
        at.samples.add(after - before);
        ++at.count;
        before = after;
    }
}

void run(scene& at, remora::pipe& app, std::size_t in_flight, std::int64_t duration) {
    at.end = now() + duration;
    at.count = 0;
    std::size_t left = in_flight;
    for (std::size_t i = 0; i != in_flight; ++i)
        asio::co_spawn(at.io, call_until_end(at, app), [&](std::exception_ptr why) {
            if (why) std::rethrow_exception(why);
            if (--left == 0) at.io.stop();
        });
    at.io.restart();
    at.io.run();
}

void measure(const slice_options& slice) {
    const nats_server server;
    const worker_processes workers(slice.pipes, server.url(),
                                   [](const auto& url, auto ready) { serve(url, ready); });
    scene at;
    const remora::nats::gateway gateway(
        at.io.get_executor(), {.service = "maths", .connection = {.servers = {server.url()}}});
    auto [app, front] = remora::make_pipe_pair(at.io.get_executor());
    front.attach(gateway.service());
    const auto cpu = [&] { return cpu_time() + server.cpu_time() + workers.cpu_time(); };
    run(at, app, slice.batch, nats_warm_up);
    at.samples.start(cpu());
    run(at, app, slice.batch, static_cast<std::int64_t>(slice.seconds * 1e9));
    at.samples.finish(at.count, 0, cpu());
    at.samples.print();
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
    bench::measure(bench::nats_slice(argc, argv));
}
