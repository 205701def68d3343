// SPDX-License-Identifier: MIT
/// What the tests of the archive share: bytes to look at, and short ways there and back.
#pragma once

#include <cstring>
#include <remora/archive.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "support/hex.hpp"
#include "support/support.hpp"

namespace test {

template <class T>
bytes encoded(const T& value) {
    remora::byte_buffer out;
    remora::encode(out, value);
    return {out.data(), out.data() + out.size()};
}

/// What a reader makes of a value that a writer, perhaps of another version, has sent.
template <class Reader, class Writer>
Reader read_as(const Writer& value) {
    return remora::decode<Reader>(encoded(value));
}

template <class T>
T round_trip(const T& value) {
    return read_as<T>(value);
}

/// What decoding as T throws.
template <class T>
failure decode_failure(const bytes& in, const remora::decode_limits& limits = {}) {
    return failure_of([&] { remora::decode<T>(in, limits); });
}

template <class Reader, class Writer>
failure read_failure(const Writer& value) {
    return decode_failure<Reader>(encoded(value));
}

/// A record whose fields are these bytes.
inline bytes record_of(const bytes& body) {
    bytes out(5);
    out[0] = std::byte{0x46};
    auto length = static_cast<std::uint32_t>(body.size());
    std::memcpy(&out[1], &length, 4);
    out.insert(out.end(), body.begin(), body.end());
    return out;
}

}  // namespace test
