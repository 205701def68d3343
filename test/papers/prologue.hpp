// SPDX-License-Identifier: MIT
/// Stands before the fragments of a paper, which extract.py makes functions of: what their text
/// takes for granted. Nothing here is defined, as the fragments are compiled and not linked.
#pragma once

#include <remora.hpp>

#include <iostream>
#include <string>

namespace paper {

using namespace std::chrono_literals;

extern asio::io_context io;
extern remora::server server;
extern remora::client client;
extern remora::pipe pipe;
extern int argc;
extern char** argv;

}  // namespace paper
