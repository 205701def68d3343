// SPDX-License-Identifier: MIT
/// Pairs of pipes over every transport, for the conformance suite.
#pragma once

#include "support/connected_ends.hpp"
#include "support/coroutine.hpp"

#include "transport/run_directory.hpp"
#include "transport/shared_memory.hpp"
#include "wire/control_records.hpp"

#include <remora/detail/call/call_access.hpp>
#include <remora/pipe.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <span>
#include <stdexcept>
#include <vector>

namespace test {

/// Two types of one name: the field has changed its kind in between.
struct old_shape {
    std::int32_t a = 0, b = 0;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(a, b);
    }
};
struct new_shape {
    std::int32_t a = 0;
    std::string b;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(a, b);
    }
};

struct refusing {
    template <class Archive>
    void serialize(Archive&) const {
        throw std::runtime_error("not today");
    }
};

inline remora::pipe make_pipe(const asio::any_io_executor& executor,
                              remora::detail::transport_parts ends,
                              remora::wait_policy waiting = remora::wait_policy::block,
                              std::uint64_t features = 0) {
    const auto end = std::make_shared<remora::detail::pipe_end>(
        executor, remora::detail::make_transport(executor, std::move(ends)), "pair",
        remora::pipe_limits{}, remora::errc::broken_pipe, waiting);
    end->set_features(features);
    return remora::detail::call_access::make_pipe(end);
}

inline remora::pipe make_pipe(asio::io_context& io, remora::detail::transport_parts ends,
                              remora::wait_policy waiting = remora::wait_policy::block) {
    return make_pipe(io.get_executor(), std::move(ends), waiting);
}

inline remora::pipe make_pipe(asio::io_context& io, remora::detail::fifo_ends ends) {
    return make_pipe(io, remora::detail::transport_parts{.fifo = std::move(ends)});
}

inline std::pair<remora::pipe, remora::pipe> pair_over(asio::io_context& io,
                                                       remora::detail::fifo_ends one,
                                                       remora::detail::fifo_ends other) {
    return {make_pipe(io, std::move(one)), make_pipe(io, std::move(other))};
}

/// A pair over kernel pipes of the given size.
inline std::pair<remora::pipe, remora::pipe> sized_pair(asio::io_context& io, int size) {
    auto [one, other] = test::make_connected_ends();
    for (const auto* ends : {&one, &other}) {
        if (::fcntl(ends->out.get(), F_SETPIPE_SZ, size) < 0)
            throw std::runtime_error("F_SETPIPE_SZ");
    }
    return pair_over(io, std::move(one), std::move(other));
}

/// A pair over kernel pipes whose ends look again before they sleep.
inline std::pair<remora::pipe, remora::pipe> watching_fifo_pair(asio::io_context& io,
                                                                remora::wait_policy waiting) {
    auto [one, other] = test::make_connected_ends();
    return {make_pipe(io, {.fifo = std::move(one)}, waiting),
            make_pipe(io, {.fifo = std::move(other)}, waiting)};
}

/// A pair over named FIFOs, opened as server and client open theirs.
inline std::pair<remora::pipe, remora::pipe> fifo_pair(asio::io_context& io) {
    remora::detail::run_directory directory;
    directory.make_fifo("up");
    directory.make_fifo("down");
    const auto open = [&](const char* name, int flags) {
        return remora::detail::open_fifo(directory.fd(), name, flags);
    };
    remora::detail::fifo_ends server;
    server.in = open("up", O_RDONLY);
    server.spare_reader = open("down", O_RDONLY);
    server.out = open("down", O_WRONLY);
    remora::detail::fifo_ends client;
    client.out = open("up", O_WRONLY);
    client.in = open("down", O_RDONLY);
    client.spare_reader = open("up", O_RDONLY);
    return pair_over(io, std::move(server), std::move(client));
}

/// Both ends of a connection over rings of the given size, whose ends may lend so many bytes.
inline std::pair<remora::detail::transport_parts, remora::detail::transport_parts> make_shared_ends(
    std::size_t ring, std::uint64_t lent = 0) {
    using remora::detail::shared_rings;
    using remora::detail::side;
    const auto memory = remora::detail::shm_arena::make();
    const std::uint64_t place = memory->allocate(ring, lent);
    auto [one, other] = test::make_connected_ends();
    return {remora::detail::transport_parts{std::move(one),
                                            shared_rings(memory, place, ring, side::server, lent)},
            remora::detail::transport_parts{std::move(other),
                                            shared_rings(memory, place, ring, side::app, lent)}};
}

/// What both sides see of the ring from the server to the app.
inline remora::detail::ring_indices& down_indices(const remora::detail::shared_rings& rings) {
    return static_cast<remora::detail::ring_indices*>(rings.page())[1];
}

inline remora::detail::express_line& down_express(const remora::detail::shared_rings& rings) {
    return *reinterpret_cast<remora::detail::express_line*>(static_cast<std::byte*>(rings.page()) +
                                                            1536);
}

inline std::pair<remora::pipe, remora::pipe> shared_pair(
    asio::io_context& io, std::size_t ring,
    remora::wait_policy waiting = remora::wait_policy::block) {
    auto [one, other] = make_shared_ends(ring);
    return {make_pipe(io, std::move(one), waiting), make_pipe(io, std::move(other), waiting)};
}

/// A pair whose ends may lend so many bytes.
inline std::pair<remora::pipe, remora::pipe> lending_pair(
    asio::io_context& io, std::uint64_t lent = 1u << 20,
    std::uint64_t features = remora::wire::all_features) {
    auto [one, other] = make_shared_ends(64u << 10, lent);
    const auto block = remora::wait_policy::block;
    return {make_pipe(io.get_executor(), std::move(one), block, features),
            make_pipe(io.get_executor(), std::move(other), block, features)};
}

/// A pipe, and the bare descriptors of its other end.
inline std::pair<remora::pipe, remora::detail::fifo_ends> bare_pair(asio::io_context& io) {
    auto [one, other] = test::make_connected_ends();
    return {make_pipe(io, std::move(one)), std::move(other)};
}

/// Writes bytes, all of which must fit.
inline void write_bytes(const remora::detail::fifo_ends& ends, std::span<const std::byte> bytes) {
    REQUIRE(::write(ends.out.get(), bytes.data(), bytes.size()) ==
            static_cast<ssize_t>(bytes.size()));
}

/// What has arrived at a bare end.
inline std::vector<std::byte> read_bytes(const remora::detail::fifo_ends& ends) {
    std::vector<std::byte> bytes(1 << 20);
    const ssize_t count = ::read(ends.in.get(), bytes.data(), bytes.size());
    bytes.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return bytes;
}

using pair_body = std::function<asio::awaitable<void>(remora::pipe, remora::pipe)>;
using pair_maker = std::function<std::pair<remora::pipe, remora::pipe>(asio::io_context&)>;

inline void over(const pair_maker& make, const pair_body& body) {
    test::run([&](asio::io_context& io) {
        auto [a, b] = make(io);
        return body(std::move(a), std::move(b));
    });
}

/// Runs `body(a, b)` once over each: in-process pair, named FIFOs, pipes of 4 KiB and 1 MiB, rings
/// of 4 and 256 KiB, and rings and pipes whose ends watch before they sleep.
inline void over_every_transport(const pair_body& body) {
    {
        INFO("in process");
        over([](asio::io_context& io) { return remora::make_pipe_pair(io); }, body);
    }
    {
        INFO("named FIFOs");
        over(fifo_pair, body);
    }
    for (const int size : {4096, 1 << 20}) {
        INFO("pipes of " << size << " bytes");
        over([size](asio::io_context& io) { return sized_pair(io, size); }, body);
    }
    for (const std::size_t ring : {std::size_t{4096}, std::size_t{256} << 10}) {
        INFO("rings of " << ring << " bytes");
        over([ring](asio::io_context& io) { return shared_pair(io, ring); }, body);
    }
    for (const auto waiting : {remora::wait_policy::adaptive, remora::wait_policy::spin}) {
        INFO("waiting: " << remora::to_string(waiting));
        over([=](asio::io_context& io) { return shared_pair(io, 4 << 10, waiting); }, body);
        over([=](asio::io_context& io) { return shared_pair(io, 64 << 10, waiting); }, body);
        over([=](asio::io_context& io) { return watching_fifo_pair(io, waiting); }, body);
    }
}

}  // namespace test

template <>
inline constexpr std::string_view remora::type_name<test::old_shape> = "shape";
template <>
inline constexpr std::string_view remora::type_name<test::new_shape> = "shape";
