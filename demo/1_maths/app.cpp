// SPDX-License-Identifier: MIT
// Asks its server a question: `A OP B` from the command line, or 5 + 4. Not to be started by hand:
//
//     1_maths_server ./1_maths_app 7 '*' 6
#include "protocol.hpp"

#include <remora/client.hpp>

#include <cstdio>
#include <cstdlib>

int main(int argc, char** argv) {
    asio::io_context io;
    remora::client client{io, argc, argv};  // takes the address of the server out of argv

    question q{5, 4, "+"};
    if (argc == 4) q = {std::atoi(argv[1]), std::atoi(argv[3]), argv[2]};

    return client.run([&]() -> asio::awaitable<int> {
        auto maths = co_await client.connect("maths");
        co_await maths.send(q);
        const auto a = co_await maths.receive<answer>();
        if (!a.known) {
            std::printf("No answer: %s\n", a.problem.c_str());
            co_return 1;
        }
        std::printf("Answer: %d\n", a.value);
        co_return 0;
    });
}
