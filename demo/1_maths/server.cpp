// SPDX-License-Identifier: MIT
// A service that knows five operations. Start it with the app as its argument:
//
//     1_maths_server ./1_maths_app [A OP B]
//
// The server opens its pipes, starts the app as its child, serves it, and ends with it.
#include "protocol.hpp"

#include <remora/server.hpp>

#include <cstdint>
#include <cstdio>
#include <limits>

namespace {

answer exactly(std::int64_t value) {
    if (value < std::numeric_limits<int>::min() || value > std::numeric_limits<int>::max()) {
        return {false, 0, "too large"};
    }
    return {true, static_cast<int>(value), ""};
}

answer solve(const question& q) {
    const std::int64_t a = q.a;
    const std::int64_t b = q.b;
    if (q.op == "+") return exactly(a + b);
    if (q.op == "-") return exactly(a - b);
    if (q.op == "*") return exactly(a * b);
    if (q.op != "/" && q.op != "%") return {false, 0, "unknown operation"};
    if (b == 0) return {false, 0, "division by zero"};
    return exactly(q.op == "/" ? a / b : a % b);
}

// One coroutine for each connection.
asio::awaitable<void> maths(remora::pipe pipe) {
    while (auto q = co_await pipe.next<question>()) {  // nullopt: the app has closed the pipe
        co_await pipe.send(solve(*q));
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fprintf(stderr, "usage: %s APP [ARGUMENT...]\n", argv[0]);
        return 2;
    }
    asio::io_context io;
    remora::server server{io, {.target = argv[1]}};
    server.serve("maths", maths);
    return server.run({argv + 2, argv + argc});  // starts the app, returns its exit code
}
