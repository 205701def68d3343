// SPDX-License-Identifier: MIT
/// Servers that have no memory for rings: they say so, and their apps talk over FIFOs.
#pragma once

#include "row.hpp"

#include "support/messages.hpp"

#include <remora/client.hpp>
#include <remora/server.hpp>

#include <sys/resource.h>

namespace torture {

// The app of a server without memory: 0 if it got FIFOs and they work.
inline asio::awaitable<int> talk_over_fifos(remora::client& client) {
    auto p = co_await client.connect("echo");
    test::blob b = test::make_blob(3, 100'000);
    co_await p.send(b);
    const auto back = co_await p.receive<test::blob>();
    const bool fifo = p.transport() == remora::transport_kind::fifo;
    co_return fifo&& back.bytes == b.bytes ? 0 : 1;
}

inline asio::awaitable<void> echo(remora::pipe p) {
    while (const auto b = co_await p.next<test::blob>())
        co_await p.send(*b);
}

/// Where memory is short: for the run as a whole, when it starts, or for a connection, later.
enum class shortage { of_run, of_connection };
inline constexpr std::size_t large_ring = 16u << 20;

// A limit that leaves no room for the rings, and enough for everything else.
inline void limit_memory(shortage what) {
    const auto used = static_cast<rlim_t>(status_of_self("VmSize")) << 10;
    const rlim_t most = what == shortage::of_run ? 1u << 20 : used + large_ring * 2;
    const rlimit limit{most, RLIM_INFINITY};
    if (::setrlimit(what == shortage::of_run ? RLIMIT_FSIZE : RLIMIT_AS, &limit) != 0)
        throw std::runtime_error("setrlimit");
}

// A server whose memory is short. The exit code: 0 good, 1 no word of it, 2 another reason, 3 an
// app that was not served.
inline int be_short_of_memory(shortage what) {
    asio::io_context io;
    remora::server_options options{
        .target = "/proc/self/exe", .drain_timeout = 10ms, .stop_timeout = 50ms};
    options.ring_size = large_ring;
    int told = 0;
    bool named = true;
    options.on_event = [&](const remora::event& e) {
        using kind = remora::event_kind;
        if (e.kind == kind::hello && what == shortage::of_connection) limit_memory(what);
        if (e.kind != kind::fallback) return;
        ++told;
        const auto why =
            what == shortage::of_run ? std::errc::file_too_large : std::errc::not_enough_memory;
        named = e.code == why && e.text.find("shared memory: ") != std::string::npos;
    };
    remora::server server{io, options};
    server.serve("echo", echo);
    if (what == shortage::of_run) limit_memory(what);
    if (server.run() != 0) return 3;
    return told != 1 ? 1 : named ? 0 : 2;
}

inline void fall_back(verdict& v, const run_parent& directory) {
    for (const auto when : {shortage::of_run, shortage::of_connection}) {
        forked server([when] { return be_short_of_memory(when); });
        const int code = server.wait_for(10s);
        const std::string name = when == shortage::of_run ? "a run" : "a connection";
        v.expect(code == 0, "no memory for " + name + ": code " + std::to_string(code));
        v.expect(directory.is_empty(), "a directory is left");
    }
}

}  // namespace torture
