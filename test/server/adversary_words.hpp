// SPDX-License-Identifier: MIT
/// What adversary.cpp says that does not keep to the protocol, by name.
#pragma once

#include "support/messages.hpp"
#include "support/wire_bytes.hpp"

#include <map>
#include <string>

namespace test {

/// What is said on the control pipe, instead of a hello.
inline const std::map<std::string, std::string> first_words{
    {"half a hello", hello_bytes().substr(0, 10)},
    {"half a hello's value", hello_bytes().substr(0, 30)},
    {"garbage", std::string(64, '\xff')},
    {"zeros", std::string(64, '\0')},
    {"a hello without magic", frame_with(frame_kind::hello, 0, remora::wire::hello{}, 1)},
    {"a hello of garbage",
     frame_bytes({.kind = frame_kind::hello, .tag = remora::wire::magic}, std::string(20, '\xff'))},
    {"a hello of nothing", frame_bytes({.kind = frame_kind::hello, .tag = remora::wire::magic})},
    {"a hello of tomorrow", hello_bytes(7, 9)},
    {"a connect at once", connect_bytes(1, "echo")},
    {"limit + 1", announced((64u << 10) + 1)},
    {"2^31", announced(1u << 31)},
    {"2^32 - 1", announced(~0u)},
};

/// What is said after the welcome.
inline const std::map<std::string, std::string> later_words{
    {"a second hello", hello_bytes()},
    {"a number again", connect_bytes(1, "echo") + connect_bytes(1, "echo")},
    {"a lower number", connect_bytes(5, "echo") + connect_bytes(4, "echo")},
    {"number 0", connect_bytes(0, "echo")},
    {"a connect of garbage",
     frame_bytes({.kind = frame_kind::connect, .id = 1}, std::string(20, '\xff'))},
    {"an unknown kind", frame_bytes({.kind = unknown_kind})},
    {"no kind", frame_bytes({.kind = frame_kind{}})},
    {"unknown flags", frame_bytes({.kind = frame_kind::connect, .flags = 0x80})},
    {"a message", frame_with(frame_kind::message, 0, number{1})},
    {"a welcome", frame_with(frame_kind::welcome, 0, remora::wire::welcome{})},
    {"a goodbye", frame_bytes({.kind = frame_kind::goodbye})},
    {"a name of another tag", misnamed_bytes(frame_kind::connect, 1)},
    {"limit + 1 later", announced((64u << 10) + 1)},
    {"2^32 - 1 later", announced(~0u, frame_kind::connect)},
};

/// What is said first on a connection, number 1, to "echo".
inline const std::map<std::string, std::string> pipe_words{
    {"a message before open", frame_with(frame_kind::message, 0, number{1})},
    {"open of another number", open_bytes(2)},
    {"half an open", open_bytes(1).substr(0, 12)},
    {"open with a value", frame_bytes({.kind = frame_kind::open, .id = 1}, "value")},
    {"garbage on a pipe", open_bytes(1) + std::string(64, '\xff')},
    {"open twice", open_bytes(1) + open_bytes(1)},
    {"an unknown kind on a pipe", open_bytes(1) + frame_bytes({.kind = unknown_kind})},
    {"a hello on a pipe", open_bytes(1) + hello_bytes()},
    {"a misnamed message", open_bytes(1) + misnamed_bytes(frame_kind::message, 0)},
    {"an unknown type", open_bytes(1) + frame_with(frame_kind::message, 0, number{1}, 99)},
    {"pipe limit + 1", open_bytes(1) + announced((64u << 10) + 1)},
    {"pipe 2^31", open_bytes(1) + announced(1u << 31)},
    {"pipe 2^32 - 1", open_bytes(1) + announced(~0u)},
    {"a close of garbage", open_bytes(1) + frame_bytes({.kind = frame_kind::close}, "garbage")},
};

}  // namespace test
