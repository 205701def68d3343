// SPDX-License-Identifier: MIT
// Serves notes to all notes-cluster, as one of any number of workers, until it is stopped.
//
//     notes-worker --url nats://one:4222,nats://two:4222,nats://three:4222
#include "cluster.hpp"
#include "cluster_store.hpp"
#include "service.hpp"

#include <asio/signal_set.hpp>

#include <chrono>
#include <cstdio>
#include <memory>

namespace {

// Lets what was begun be answered, and ends what goes on, as a watch.
asio::awaitable<void> finish(remora::nats::worker& worker, notes::store& kept) {
    kept.changes().close();
    co_await worker.finish();
}

void stop(asio::io_context& io, remora::nats::worker& worker, notes::store& kept) {
    asio::co_spawn(io, finish(worker, kept), [&io](std::exception_ptr) { io.stop(); });
    const auto patience = std::make_shared<asio::steady_timer>(io, std::chrono::seconds(5));
    patience->async_wait([&io, patience](std::error_code) { io.stop(); });
}

int serve(const notes::cluster& where, int replicas) {
    asio::io_context io;
    notes::cluster_store kept(where, replicas);
    remora::nats::worker worker(io.get_executor(), notes::make_service(kept),
                                {.service = where.bucket, .connection = where.connection()});
    asio::signal_set signals(io, SIGINT, SIGTERM);
    signals.async_wait([&](std::error_code, int) { stop(io, worker, kept); });
    std::fprintf(stderr, "notes-worker: serves the bucket %s\n", where.bucket.c_str());
    io.run();
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    notes::cluster where;
    int replicas = 0;
    CLI::App cli("Serves notes to all notes-cluster; start as many as you like.", "notes-worker");
    where.add_options(cli);
    cli.add_option("--replicas", replicas,
                   "Of a bucket that is made; else 3 if three servers are known, or 1")
        ->check(CLI::Range(1, 5));
    try {
        cli.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        return cli.exit(e) == 0 ? 0 : 2;
    }
    try {
        return serve(where, replicas);
    } catch (const std::exception& e) {
        return where.complain("notes-worker", e.what());
    }
}
