// SPDX-License-Identifier: MIT
/// What the two measured Remora programs share.
#pragma once

#include <remora/archive.hpp>
#include <remora/request.hpp>
#include <remora/shared_bytes.hpp>
#include <remora/transport.hpp>

#include "slice.hpp"

#include <cereal/types/array.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/vector.hpp>

#include <malloc.h>

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace bench {

struct answer {
    int value = 0;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(value);
    }
};

struct question {
    using reply = answer;
    int a = 0, b = 0;
    std::string op;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(a, b, op);
    }
};

/// The same, for a handler that is a coroutine.
struct slow_question : question {
    using reply = answer;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(a, b, op);
    }
};

/// 64 bytes; the first number counts, and 0 asks for an answer.
struct packet {
    std::array<std::uint64_t, 8> words{};
    template <class Archive>
    void serialize(Archive& ar) {
        ar(words);
    }
};

/// Asks for a stream of packets that does not end.
struct watch {
    using reply = remora::stream<packet>;
    template <class Archive>
    void serialize(Archive&) {}
};

/// Any number of bytes; a first byte of 0 asks for an answer.
struct load {
    std::vector<std::uint8_t> bytes;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(bytes);
    }
};

/// The same by reference. Both ends of it have the low byte of its number, and the receiver answers
/// each with what it has seen there.
struct lent_load {
    remora::shared_bytes bytes;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(bytes);
    }
};
/// Loads that are not answered yet: as many as iceoryx's queue has here.
inline constexpr int most_lent = 4;

/// Of pipes that carry loads of so many bytes.
inline remora::pipe_limits limits_of(std::size_t bytes) {
    const remora::pipe_limits usual;
    return {.message = std::max(usual.message, bytes + 4096), .lent = 2 * most_lent * bytes};
}

/// What the server has used so far.
struct usage {
    std::int64_t cpu_ns = 0;
    std::int64_t heap = 0;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(cpu_ns, heap);
    }
};

/// A row of the table, as far as it concerns Remora.
struct remora_options : slice_options {
    remora::transport_kind transport = remora::transport_kind::automatic;
    remora::wait_policy waiting = remora::wait_policy::adaptive;
    std::size_t ring = 256u << 10;
    int lends = 0;           ///< 1: what is large goes by reference
    int tries = 0;           ///< 1: sends and receives without a coroutine where nothing waits
    std::int64_t begin = 0;  ///< when the server was started

    void add_to(CLI::App& app) {
        using remora::transport_kind;
        using remora::wait_policy;
        slice_options::add_to(app);
        const std::map<std::string, transport_kind> transports{
            {"fifo", transport_kind::fifo}, {"shared_memory", transport_kind::shared_memory}};
        const std::map<std::string, wait_policy> policies{{"adaptive", wait_policy::adaptive},
                                                          {"block", wait_policy::block},
                                                          {"spin", wait_policy::spin}};
        app.add_option("--transport", transport)->transform(CLI::CheckedTransformer(transports));
        app.add_option("--wait", waiting)->transform(CLI::CheckedTransformer(policies));
        app.add_option("--ring", ring);
        app.add_option("--lends", lends);
        app.add_option("--tries", tries);
        app.add_option("--begin", begin);
    }
};

/// Bytes of the heap in use.
inline std::int64_t heap_in_use() {
    const auto use = ::mallinfo2();
    return static_cast<std::int64_t>(use.uordblks + use.hblkhd);
}

}  // namespace bench
