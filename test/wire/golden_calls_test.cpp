// SPDX-License-Identifier: MIT
// The bytes of calls and streams, as lib/wire/protocol.md lays them out. They never change: one
// side of a conversation may be of last year.
#include "support/calls.hpp"
#include "support/pairs.hpp"
#include "wire/archive_support.hpp"

#include <remora/stream.hpp>

#include <map>
#include <sstream>

using namespace test;

namespace {

using remora::pipe;

// What a service says first, and what a caller then says: frames, each a line.
const std::string window_bytes =
    "090000002700000000000000000000000000000000000000280004000000000000\n";
const std::string asked =
    "1b00000020050000010000000000000054e6300519c30be70361646446120000001814000000000000001816000000"
    "00000000\n"
    "17000000200500000200000000000000820daa59ee1998650872656d656d6265724609000000180500000000000000"
    "\n"
    "1b0000002005000003000000000000003296c8d6a0066e5a096661696c5f77697468460c0000001400000000400200"
    "00006e6f\n"
    "10000000200500000400000000000000e68f67a84a852a560a756e68656172645f6f664600000000\n"
    "15000000200500000500000000000000b42d0dbc94e22124066164645f75704609000000180000000000000000\n"
    "15000000240500000500000000000000e0ebf6730da83180066e756d6265724609000000180000000000000000\n"
    "0e000000240400000500000000000000e0ebf6730da831804609000000180100000000000000\n"
    "0e000000240400000500000000000000e0ebf6730da831804609000000180200000000000000\n"
    "000000002504000005000000000000000000000000000000\n"
    "20000000200500000600000000000000141be26d4298306b08636f756e745f75704612000000180200000000000000"
    "18ffffffffffffffff\n"
    "17000000200400000700000000000000141be26d4298306b461200000018000000000000000018ffffffffffffffff"
    "\n"
    "000000002304000007000000000000000000000000000000\n"
    "0e000000020000000000000000000000e0ebf6730da831804609000000180700000000000000\n";
const std::string answered =
    "12000000210100000100000000000000a8c40f5d199e71820373756d4609000000182a00000000000000\n"
    "000000002500000002000000000000000000000000000000\n"
    "2200000022010000030000000000000040a5e675bcad289d0c63616c6c5f6661696c75726546100000002101210014"
    "0000000040020000006e6f\n"
    "8000000022000000040000000000000040a5e675bcad289d467b00000021032101141c000000406d0000006e6f2068"
    "616e646c65722074616b65732022756e68656172645f6f66222c207468697320736572766963652074616b65732061"
    "64642c206164645f75702c20636f756e745f75702c206661696c5f776974682c2072656d656d6265723a20756e6b6e"
    "6f776e2072657175657374\n"
    "15000000240100000600000000000000e0ebf6730da83180066e756d6265724609000000180000000000000000\n"
    "0e000000240000000600000000000000e0ebf6730da831804609000000180100000000000000\n"
    "000000002500000006000000000000000000000000000000\n"
    "000000002500000007000000000000000000000000000000\n"
    "0e000000210000000500000000000000a8c40f5d199e71824609000000180300000000000000\n";

asio::awaitable<sum> sum_up(add_up, remora::stream<number> numbers) {
    sum s;
    while (const auto n = co_await numbers.next())
        s.value += n->value;
    co_return s;
}

remora::generator<number> count(count_up q) {
    for (std::int64_t i = 0; i != q.count; ++i)
        co_yield remora::item<number>(i);
}

remora::service everything() {
    remora::service s;
    s.on([](add q) { return sum{q.a + q.b}; });
    s.on([](remember) {});
    s.on([](fail_with q) -> sum { throw std::runtime_error(q.text); });
    s.on(sum_up);
    s.on(count);
    s.on([](number) {});
    return s;
}

/// What the callers have got.
struct results {
    std::int64_t added = 0, uploaded = 0, counted = 0;
    std::string failed, unknown;
    bool remembered = false;
};

asio::awaitable<void> ask(pipe& p, results& got) {
    const auto added = co_await p.call<add>(20, 22);
    got.added = added.value;
}

asio::awaitable<void> ask_for_nothing(pipe& p, results& got) {
    co_await p.call<remember>(5);
    got.remembered = true;
}

template <class Request>
asio::awaitable<void> ask_in_vain(pipe& p, Request question, std::string& why) {
    try {
        co_await p.call(question);
    } catch (const remora::remote_error& e) {
        why = std::to_string(static_cast<int>(e.kind())) + e.message();
    }
}

asio::awaitable<void> upload(pipe& p, results& got) {
    const add_up all;
    const auto sum = co_await p.call(all, count(count_up{3}));
    got.uploaded = sum.value;
}

asio::awaitable<void> listen(pipe& p, results& got) {
    auto numbers = co_await p.stream<count_up>(2);
    while (const auto n = co_await numbers.next())
        got.counted += n->value + 1;
}

asio::awaitable<void> stop_waiting(pipe& p) {
    auto numbers = co_await p.stream<count_up>(0);
}

// One after the other, without waiting for the answers.
void call_all(asio::io_context& io, pipe& p, results& got) {
    asio::co_spawn(io, ask(p, got), asio::detached);
    asio::co_spawn(io, ask_for_nothing(p, got), asio::detached);
    asio::co_spawn(io, ask_in_vain(p, fail_with{0, "no"}, got.failed), asio::detached);
    asio::co_spawn(io, ask_in_vain(p, unheard_of{}, got.unknown), asio::detached);
    asio::co_spawn(io, upload(p, got), asio::detached);
    asio::co_spawn(io, listen(p, got), asio::detached);
    asio::co_spawn(io, stop_waiting(p), asio::detached);
    asio::co_spawn(io, p.send<number>(7), asio::detached);
}

/// Each frame of these bytes on a line of its own.
std::string lines_of(const std::vector<std::byte>& bytes) {
    std::string lines;
    std::span<const std::byte> rest = bytes;
    for (std::size_t wanted = 0;
         const auto f = remora::detail::parse_frame(rest, 1 << 20, wanted);) {
        lines +=
            to_hex({rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(f->size())}) + '\n';
        rest = rest.subspan(f->size());
    }
    CHECK(rest.empty());
    return lines;
}

// The frames of different calls may leave in another order where time passes between them.
std::string by_call(const std::string& lines) {
    std::map<std::string, std::string> calls;
    std::istringstream in(lines);
    for (std::string line; std::getline(in, line);)
        calls[line.substr(16, 16)] += line + '\n';
    std::string all;
    for (const auto& [id, frames] : calls)
        all += frames;
    return all;
}

std::vector<std::byte> bytes_of(std::string lines) {
    std::erase(lines, '\n');
    return from_hex(lines);
}

TEST_CASE("golden bytes: a service answers the frames of a caller with these") {
    asio::io_context io;
    auto [mine, peer] = bare_pair(io);
    mine.attach(everything());
    io.poll();
    CHECK(lines_of(read_bytes(peer)) == window_bytes);
    write_bytes(peer, bytes_of(asked));
    io.restart();
    io.poll();
    CHECK(by_call(lines_of(read_bytes(peer))) == by_call(answered));
}

TEST_CASE("golden bytes: a caller says these, and takes the frames that answer them") {
    asio::io_context io;
    auto [mine, peer] = bare_pair(io);
    results got;
    write_bytes(peer, bytes_of(window_bytes));
    call_all(io, mine, got);
    io.poll();
    CHECK(by_call(lines_of(read_bytes(peer))) == by_call(asked));
    write_bytes(peer, bytes_of(answered));
    io.restart();
    io.poll();
    CHECK(got.added == 42);
    CHECK(got.remembered);
    CHECK(got.failed == "1\"no\"");
    CHECK(got.unknown == R"(3"no handler takes \"unheard_of\", this service takes add, add_up, )"
                         R"(count_up, fail_with, remember")");
    CHECK(got.uploaded == 3);
    CHECK(got.counted == 3);
    CHECK(mine.counts().calls == 0);
}

}  // namespace
