// SPDX-License-Identifier: MIT
// Bytes read as frames: by the plain parser, and by an end of a pipe that finds them in its FIFO.
// What the parser makes of a frame's header are the bytes that it was read from.
#include "fuzz.hpp"

#include "support/pairs.hpp"

#include <vector>

namespace {

using namespace fuzz;
using remora::detail::frame_header;

constexpr std::size_t limit = 4096;

std::size_t parse_all(std::span<const std::byte> bytes) {
    std::size_t messages = 0;
    try {
        std::size_t wanted = 0;
        while (const auto f = remora::detail::parse_frame(bytes, limit, wanted)) {
            must(f->size() <= bytes.size() && wanted == f->size(), "a frame within its bytes");
            must(f->payload.size() <= limit, "a value within the limit");
            must(f->payload.data() + f->payload.size() == bytes.data() + f->size(),
                 "the payload at the end of its frame");
            std::byte again[frame_header::size];
            f->header.store(again);
            must(std::memcmp(again, bytes.data(), sizeof again) == 0, "the same header again");
            messages += f->header.kind == remora::detail::frame_kind::message ? 1 : 0;
            bytes = bytes.subspan(f->size());
        }
        must(wanted > bytes.size(), "more is wanted than there is");
    } catch (const remora::error& e) {
        must(
            e.code() == remora::errc::protocol_error || e.code() == remora::errc::message_too_large,
            "an error of the protocol");
    }
    return messages;
}

// Takes every message that is there, in pieces as they come.
std::size_t receive_all(std::span<const std::byte> bytes, std::size_t piece) {
    static asio::io_context io;
    remora::pipe_limits limits;
    limits.message = limit;
    auto [mine, peer] = test::make_connected_ends();
    const auto end = std::make_shared<remora::detail::pipe_end>(
        io.get_executor(), remora::detail::make_transport(io.get_executor(), {std::move(mine)}),
        "fuzzed", limits, remora::errc::broken_pipe);
    std::size_t messages = 0;
    try {
        while (!bytes.empty() && !end->at_end()) {
            const auto part = bytes.first(std::min(piece, bytes.size()));
            if (::write(peer.out.get(), part.data(), part.size()) != std::ssize(part)) break;
            bytes = bytes.subspan(part.size());
            for (; end->peek_frame() != nullptr; end->pop_frame())
                messages +=
                    end->peek_frame()->header.kind == remora::detail::frame_kind::message ? 1 : 0;
        }
    } catch (const remora::error&) {
    }
    return messages;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const clocked time;
    input in(data, size);
    const std::size_t piece = 1 + in.take() * 16u;
    const auto bytes = in.take_rest();
    const std::size_t parsed = parse_all(bytes);
    must(receive_all(bytes, piece) <= parsed, "no message that the parser has not seen");
    return 0;
}
