// SPDX-License-Identifier: MIT
/// The records of the control pipe, and what a server answers to an app's first one. protocol.md
/// has them in words.
#pragma once

#include "wire/close_reason.hpp"

#include <remora/archive.hpp>
#include <remora/detail/wire/frame.hpp>
#include <remora/limits.hpp>
#include <remora/transport.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace remora::wire {

/// The versions of the protocol that this library speaks.
inline constexpr std::uint32_t oldest = 1;
inline constexpr std::uint32_t newest = 1;

/// A feature: connections may stand on shared memory.
inline constexpr std::uint64_t shared_memory = 1;
/// A feature: the app may ask what there is to connect to.
inline constexpr std::uint64_t listing = 2;
/// A feature: calls that are made while serving one may be unanswered beyond the window, as many
/// again.
inline constexpr std::uint64_t nested_calls = 4;
/// A feature: streams begin with little credit, and get more as their items are taken.
inline constexpr std::uint64_t small_streams = 8;
/// A feature: large frames of calls come in pieces.
inline constexpr std::uint64_t pieces = 16;
/// A feature: small messages over shared memory take the express line.
inline constexpr std::uint64_t express = 32;
/// A feature: bytes may lie in shared memory, and only a reference to them travels.
inline constexpr std::uint64_t lending = 64;
/// A feature: a ring whose bytes are all read may begin again at its first byte.
inline constexpr std::uint64_t origin = 128;
/// A feature: a request may say that it is idempotent.
inline constexpr std::uint64_t idempotence = 256;
inline constexpr std::uint64_t all_features = shared_memory | listing | nested_calls |
                                              small_streams | pieces | express | lending | origin |
                                              idempotence;

/// The transports of a connection, as bits.
inline constexpr std::uint32_t over_fifo = 1;
inline constexpr std::uint32_t over_shared_memory = 2;

/// Those that a side allows which has chosen `kind`.
constexpr std::uint32_t allowed(transport_kind kind) noexcept {
    switch (kind) {
        case transport_kind::automatic:
            return over_fifo | over_shared_memory;
        case transport_kind::fifo:
            return over_fifo;
        case transport_kind::shared_memory:
            return over_shared_memory;
        case transport_kind::in_process:
            break;
    }
    return 0;
}

/// The tag of a hello frame, "remora" and two zero bytes: an app that is none is told apart at
/// once.
inline constexpr std::uint64_t magic = 0x0000'6172'6f6d'6572;

// The control pipe's two FIFOs, before up_ending and down_ending; a connection's have a number.
inline constexpr const char* control_name = "control";

// The endings of the names of a pipe's two FIFOs.
inline constexpr const char* up_ending = ".up";      ///< from the app to the server
inline constexpr const char* down_ending = ".down";  ///< from the server to the app

/// The least max_message that anybody may ask for: a reason to close has to fit.
inline constexpr std::uint64_t least_max_message = 4096;

struct hello {
    std::uint32_t oldest = wire::oldest;
    std::uint32_t newest = wire::newest;
    std::uint64_t features = 0;
    std::uint64_t max_message = 0;
    std::int32_t pid = 0;

    template <class Archive>
    void serialize(Archive& ar) {
        ar(oldest, newest, features, max_message, pid);
    }
};

struct welcome {
    std::uint32_t version = 0;
    std::uint64_t features = 0;
    std::uint64_t max_message = 0;
    std::int32_t pid = 0;
    // The memory that rings lie in, if `features` has it: the descriptor that the app has
    // inherited, its number in the server, and what fstat(2) says of it.
    std::int32_t arena_fd = -1;
    std::int32_t arena_server_fd = -1;
    std::uint64_t arena_device = 0;
    std::uint64_t arena_inode = 0;
    std::uint32_t service_version = 0;  ///< the version of what the server serves, by its own count

    template <class Archive>
    void serialize(Archive& ar) {
        ar(version, features, max_message, pid, arena_fd, arena_server_fd, arena_device,
           arena_inode, service_version);
    }
};

struct connect_request {
    std::string name;
    std::uint64_t wait_ms = 0;
    std::uint32_t transports = over_fifo;  ///< that the app allows

    template <class Archive>
    void serialize(Archive& ar) {
        ar(name, wait_ms, transports);
    }
};

struct connection_offer {
    std::string base;  ///< of the names of the connection's FIFOs, in the run's directory
    std::uint32_t transport = over_fifo;
    // Where in the arena its rings are, and the size of each, if they are.
    std::uint64_t offset = 0;
    std::uint64_t ring = 0;
    std::uint64_t lent_size = 0;  ///< of each range of what is lent; 0: nothing can be

    template <class Archive>
    void serialize(Archive& ar) {
        ar(base, transport, offset, ring, lent_size);
    }
};

struct list_request {
    std::string after;  ///< only names after this one, in order; all, if empty

    template <class Archive>
    void serialize(Archive& ar) {
        ar(after);
    }
};

struct name_list {
    std::vector<std::string> names;
    bool more = false;  ///< there are names after these

    template <class Archive>
    void serialize(Archive& ar) {
        ar(names, more);
    }
};

}  // namespace remora::wire

namespace remora::detail {

using wire::close_reason;

/// Those of the control pipe itself, whatever is agreed for the others.
inline constexpr pipe_limits control_limits{
    .message = 64u << 10, .queue = 256u << 10, .decode = {.memory = 1u << 20, .depth = 16}};

/// What the server answers to a hello, given its own limit of a message.
std::variant<wire::welcome, close_reason> answer_hello(const wire::hello& theirs,
                                                       std::uint64_t max_message, int pid);

/// Reads a hello out of an app's first frame. Throws protocol_error for anything else.
wire::hello parse_hello(const frame& f);

/// True if `name` may be the name of a pipe: 1 to 128 bytes, no control character, no slash.
bool is_pipe_name(std::string_view name) noexcept;
void check_pipe_name(std::string_view name);

/// Decodes a control frame's payload.
template <class T>
T payload_of(const frame& f) {
    return decode<T>(f.payload, control_limits.decode);
}

}  // namespace remora::detail
