// SPDX-License-Identifier: MIT
// Rings whose other side writes what it likes into the memory: indices, flags, bytes, and what it
// has given back. This side stays within the ring, and what it lends or borrows within the ranges
// for that; or it says that the protocol is broken.
#include "fuzz.hpp"

#include "support/pairs.hpp"

#include "transport/borrower.hpp"
#include "transport/lender.hpp"
#include "wire/control_records.hpp"

#include <sys/mman.h>

#include <vector>

namespace {

using namespace fuzz;
using remora::detail::ring_indices;

constexpr std::size_t ring_size = 4096;
constexpr std::uint64_t lent_size = 16 * 4096;

/// The server's rings, and what the app can do to them.
struct hostile_rings {
    std::shared_ptr<remora::detail::shm_arena> memory = remora::detail::shm_arena::make();
    std::uint64_t place = memory->allocate(ring_size, lent_size);
    remora::detail::shared_rings server{memory, place, ring_size, remora::detail::side::server,
                                        lent_size};
    remora::detail::shared_rings app{memory, place, ring_size, remora::detail::side::app,
                                     lent_size};
    ring_indices* indices = static_cast<ring_indices*>(app.page());
    remora::detail::express_line* lines =
        reinterpret_cast<remora::detail::express_line*>(static_cast<std::byte*>(app.page()) + 1408);
    std::byte* data = nullptr;  // of the ring from the app to the server

    hostile_rings() {
        void* const at =
            ::mmap(nullptr, ring_size, PROT_READ | PROT_WRITE, MAP_SHARED, memory->fd(),
                   static_cast<off_t>(place + remora::detail::page_size()));
        must(at != MAP_FAILED, "memory");
        data = static_cast<std::byte*>(at);
    }
    ~hostile_rings() { ::munmap(data, ring_size); }

    void scribble(input& in) const {
        ring_indices& of = indices[in.take() % 2];
        const auto event = in.take();
        const auto n = in.take<std::int16_t>();
        const auto add = [n](std::atomic<std::uint64_t>& index) {
            index += static_cast<std::uint64_t>(std::int64_t{n});
        };
        switch (event % 9) {
            case 0:
                add(of.head);
                break;
            case 1:
                add(of.tail);
                break;
            case 2:
                of.head = in.take<std::uint64_t>();
                break;
            case 3:
                of.tail = in.take<std::uint64_t>();
                break;
            case 4:
                of.reader_sleeps = static_cast<std::uint32_t>(n);
                break;
            case 5:
                of.writer_sleeps = static_cast<std::uint32_t>(n);
                break;
            case 6:  // a line that says what it likes, where it may be the next
                lines[in.take() % 2].put(in.take_bytes(in.take() % 57), of.head + in.take() % 64);
                break;
            case 7:
                of.origin = in.take<std::uint64_t>();
                break;
            default: {
                const auto bytes = in.take_bytes(static_cast<std::uint8_t>(n));
                const auto begin = of.head % ring_size;
                std::memcpy(data + begin, bytes.data(), std::min(bytes.size(), ring_size - begin));
                of.head += bytes.size();
            }
        }
    }
};

// Reader and writer alone, between the scribbles.
void drive_indices(input& in, const hostile_rings& rings) {
    auto reader = rings.server.reader();
    auto writer = rings.server.writer();
    reader.enable_origin();
    writer.enable_origin();
    const std::byte* first = nullptr;
    const std::byte some[300] = {};
    while (!in.empty()) {
        rings.scribble(in);
        const auto n = in.take<std::uint16_t>();
        const auto unread = reader.unread();
        if (first == nullptr) first = unread.data();
        must(unread.size() <= ring_size, "no more than a ring of bytes");
        must(unread.data() >= first && unread.data() < first + ring_size, "within the ring");
        reader.release(std::min<std::size_t>(n, unread.size()));
        if (std::byte line[remora::detail::express_line::capacity]; n % 4 == 0)
            reader.release(reader.read_express(line));
        reader.must_wake(n % 2 != 0);
        must(writer.write(std::span(some).first(n % 300)) <= ring_size, "no more than there is");
        writer.must_wake();
    }
}

// An pipe_state over the rings.
void drive_endpoint(input& in, hostile_rings& rings) {
    static asio::io_context io;
    auto [mine, peer] = test::make_connected_ends();
    remora::detail::transport_parts ends{std::move(mine), std::move(rings.server)};
    remora::pipe_limits limits;
    limits.message = 3 * ring_size;
    const auto end = std::make_shared<remora::detail::pipe_end>(
        io.get_executor(), remora::detail::make_transport(io.get_executor(), std::move(ends)),
        "fuzzed", limits, remora::errc::app_gone);
    end->set_features(remora::wire::express | remora::wire::origin);
    for (int looks = 0; !in.empty() && looks < 4096; ++looks) {
        rings.scribble(in);
        for (int i = 0; i < 64 && end->peek_frame() != nullptr; ++i) {
            must(end->peek_frame()->payload.size() <= limits.message, "a value within the limit");
            end->pop_frame();
        }
        if (!end->can_send() || end->queue_is_full()) continue;
        auto p = end->begin_frame(remora::detail::frame_kind::message);
        end->end_frame(p);
        end->flush(p);
    }
}

// What this end lends to the hostile one.
void drive_lender(input& in, const hostile_rings& rings,
                  const std::shared_ptr<remora::detail::lender>& near) {
    std::vector<remora::detail::block_ref> held;
    remora::byte_buffer table;
    while (!in.empty()) {
        const auto event = in.take();
        if (event % 4 == 0)
            rings.app.given_back(remora::detail::side::server, in.take()) =
                in.take<std::uint32_t>();
        if (event % 4 == 1 && !held.empty()) held.erase(held.begin() + in.take() % held.size());
        if (event % 4 == 2 && !held.empty()) {
            near->lend(*held[in.take() % held.size()]);
            table.clear();
            near->put_table(table);
            near->lend_pending();
        }
        if (event % 4 != 3) continue;
        auto block = near->allocate(1 + in.take<std::uint16_t>());
        if (!block) continue;
        for (const auto& each : held) {
            const auto one = each.bytes(), other = block.bytes();
            must(one.data() + one.size() <= other.data() ||
                     other.data() + other.size() <= one.data(),
                 "what is used is not given out again");
        }
        std::ranges::fill(block.bytes(), std::byte{1});
        held.push_back(std::move(block));
    }
}

// What the hostile end lends, right or wrong.
void drive_borrower(input& in, const std::shared_ptr<remora::detail::borrower>& near) {
    std::vector<remora::detail::block_ref> held;
    std::size_t sum = 0;
    while (!in.empty()) {
        std::byte table[3 * remora::detail::loan::size_in_table];
        std::byte* to = table;
        for (auto count = 1 + in.take() % 3; count != 0; --count) {
            const remora::detail::loan l{.slot = in.take<std::uint16_t>() % 260u,
                                         .generation = in.take(),
                                         .offset = in.take<std::uint64_t>(),
                                         .size = in.take<std::uint32_t>()};
            l.store(std::exchange(to, to + remora::detail::loan::size_in_table));
        }
        near->borrow({table, to}, held);
        for (const auto& each : held) {
            must(!each.bytes().empty() && each.bytes().size() <= lent_size, "within the range");
            sum += std::to_integer<std::size_t>(each.bytes().front() ^ each.bytes().back());
        }
        if (!held.empty() && in.take() % 2 == 0) held.erase(held.begin());
    }
    must(sum == 0, "the range is empty");
}

void drive_lending(input& in, hostile_rings& rings) {
    auto memory = std::make_shared<remora::detail::shared_rings>(std::move(rings.server));
    if (in.take() % 2 == 0) {
        drive_lender(in, rings, std::make_shared<remora::detail::lender>(memory, lent_size));
    } else {
        drive_borrower(in, std::make_shared<remora::detail::borrower>(memory));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const clocked time;
    input in(data, size);
    hostile_rings rings;
    try {
        const auto what = in.take();
        if (what % 4 == 3) {
            drive_lending(in, rings);
        } else if (what % 2 == 0) {
            drive_indices(in, rings);
        } else {
            drive_endpoint(in, rings);
        }
    } catch (const remora::error&) {
    }
    return 0;
}
