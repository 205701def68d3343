// SPDX-License-Identifier: MIT
// A user's program, both sides in one: the server starts this file again as its app. What the
// library throws is caught, and what a handler throws travels.
#include <remora/client.hpp>
#include <remora/server.hpp>
#include <remora/service.hpp>

#include <stdexcept>

struct half {
    using reply = int;
    int of = 0;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(of);
    }
};

asio::awaitable<int> app(remora::client& client) {
    auto maths = co_await client.connect("maths");
    if (co_await maths.call<half>(8) != 4) co_return 1;
    try {
        co_await maths.call<half>(7);
        co_return 2;
    } catch (const remora::remote_error&) {
    }
    try {
        co_await client.connect("nobody");
        co_return 3;
    } catch (const remora::error& e) {
        co_return e.code() == remora::errc::no_such_pipe ? 0 : 4;
    }
}

int main(int argc, char** argv) {
    asio::io_context io;
    if (argc > 1) {
        remora::client client{io, argc, argv};
        return client.run(app);
    }
    remora::service maths;
    maths.on([](const half& x) {
        if (x.of % 2 != 0) throw std::invalid_argument("odd");
        return x.of / 2;
    });
    remora::server server{io, {.target = "/proc/self/exe"}};
    server.serve("maths", maths);
    return server.run({"app"});
}
