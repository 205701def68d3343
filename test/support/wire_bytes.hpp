// SPDX-License-Identifier: MIT
/// Frames by hand, also such as nobody should send.
#pragma once

#include "wire/control_records.hpp"

#include <string>
#include <string_view>

namespace test {

using remora::detail::frame_header;
using remora::detail::frame_kind;

inline constexpr frame_kind unknown_kind{200};

inline std::string header_bytes(const frame_header& header) {
    std::byte bytes[frame_header::size];
    header.store(bytes);
    return {reinterpret_cast<const char*>(bytes), sizeof bytes};
}

inline std::string frame_bytes(frame_header header, const std::string& payload = {}) {
    header.length = static_cast<std::uint32_t>(payload.size());
    return header_bytes(header) + payload;
}

/// A frame that lends, with a table of these loans.
inline std::string lending_frame(frame_header header, std::string payload,
                                 const std::vector<remora::detail::loan>& loans) {
    header.flags |= frame_header::lends;
    for (const auto& each : loans) {
        char bytes[remora::detail::loan::size_in_table];
        each.store(reinterpret_cast<std::byte*>(bytes));
        payload.append(bytes, sizeof bytes);
    }
    const auto count = static_cast<std::uint32_t>(loans.size());
    payload.append(reinterpret_cast<const char*>(&count), sizeof count);
    return frame_bytes(header, payload);
}

/// A header that announces so many bytes, and none of them.
inline std::string announced(std::uint32_t length, frame_kind kind = frame_kind::message) {
    return header_bytes({.length = length, .kind = kind});
}

template <class T>
std::string payload_of(const T& value) {
    remora::byte_buffer out;
    remora::encode(out, value);
    return {reinterpret_cast<const char*>(out.data()), out.size()};
}

template <class T>
std::string frame_with(frame_kind kind, std::uint64_t id, const T& value, std::uint64_t tag = 0) {
    return frame_bytes({.kind = kind, .id = id, .tag = tag}, payload_of(value));
}

inline std::string hello_bytes(std::uint32_t oldest = 1, std::uint32_t newest = 1,
                               std::uint64_t features = 0, int pid = 0) {
    remora::wire::hello words;
    words.pid = pid;
    words.oldest = oldest;
    words.newest = newest;
    words.features = features;
    words.max_message = 16u << 20;
    return frame_with(frame_kind::hello, 0, words, remora::wire::magic);
}

inline std::string connect_bytes(std::uint64_t id, std::string name, std::uint64_t wait_ms = 0,
                                 std::uint32_t transports = remora::wire::over_fifo) {
    remora::wire::connect_request words;
    words.name = std::move(name);
    words.wait_ms = wait_ms;
    words.transports = transports;
    return frame_with(frame_kind::connect, id, words);
}

inline std::string open_bytes(std::uint64_t id) {
    return frame_bytes({.kind = frame_kind::open, .id = id});
}

/// A frame that a receiver passes over.
inline std::string skipped_bytes(std::size_t length) {
    return frame_bytes({.kind = unknown_kind, .flags = frame_header::may_skip},
                       std::string(length, 'x'));
}

/// A message that names its type and has the tag of another.
inline std::string misnamed_bytes(frame_kind kind, std::uint64_t id) {
    return frame_bytes({.kind = kind, .flags = frame_header::named, .id = id, .tag = 12345},
                       "\x06number");
}

}  // namespace test
