// SPDX-License-Identifier: MIT
/// What the tests of frame_writer and frame_reader share: frames as values, no descriptor.
#pragma once

#include "support/support.hpp"

#include <remora/archive.hpp>
#include <remora/detail/pipe/frame_reader.hpp>
#include <remora/detail/pipe/frame_writer.hpp>

#include <cstring>
#include <string>
#include <vector>

namespace test {

using remora::detail::frame_header;
using remora::detail::frame_kind;
using remora::detail::frame_reader;
using remora::detail::frame_writer;

using bytes = std::vector<std::byte>;

/// Queues a frame with these bytes as its payload.
inline frame_writer::position put(frame_writer& w, frame_kind kind, std::uint64_t id,
                                  const std::string& payload, std::uint64_t tag = 0,
                                  std::string_view name = {}, std::uint8_t flags = 0) {
    auto p = w.begin_frame(kind, id, tag, name, flags);
    w.out().append(payload.data(), payload.size());
    w.end_frame(p);
    return p;
}

/// What is written next, at most so many bytes of it.
inline bytes write_some(frame_writer& w, std::size_t most) {
    const auto next = w.unwritten();
    const bytes some(next.begin(),
                     next.begin() + static_cast<std::ptrdiff_t>(std::min(most, next.size())));
    w.advance(some.size());
    return some;
}

/// All that is queued.
inline bytes write_all(frame_writer& w) {
    bytes all;
    while (w.queued() != 0) {
        const bytes some = write_some(w, all.max_size());
        all.insert(all.end(), some.begin(), some.end());
    }
    return all;
}

/// A frame, out of its bytes.
struct read_back {
    frame_kind kind{};
    std::uint64_t id = 0;
    std::string name, payload;
    bool operator==(const read_back&) const = default;
};

inline read_back copy_of(const remora::detail::frame& f) {
    return {f.header.kind, f.header.id, std::string(f.type_name),
            std::string(reinterpret_cast<const char*>(f.payload.data()), f.payload.size())};
}

/// The frames that a reader finds in the bytes, in their order.
inline std::vector<read_back> read_all(frame_reader& r, const bytes& input) {
    std::vector<read_back> all;
    for (std::size_t at = 0;;) {
        std::size_t consumed = 0;
        const auto found = r.read(std::span(input).subspan(at), true, consumed);
        if (found == frame_reader::found::nothing) return all;
        if (found == frame_reader::found::head) {
            all.push_back(copy_of(*r.head()));
            consumed = r.pop();
        }
        at += consumed;
    }
}

inline frame_reader make_reader(bool joins = true, std::size_t limit = 1u << 20) {
    frame_reader r(remora::detail::frame_kinds::messages, {.message = limit});
    if (joins) r.enable_pieces();
    return r;
}

inline std::string filled(std::size_t size, char with = 'x') {
    return std::string(size, with);
}

}  // namespace test
