// SPDX-License-Identifier: MIT
// What server and app say to each other on the control pipe. As the server's side: a frame read as
// each of the app's words. As the app's: a client whose server says the input, before and after it
// has asked for a pipe. Whatever that is, connect() ends, and nothing is left of it.
#include "fuzz.hpp"

#include "support/pairs.hpp"
#include "support/wire_bytes.hpp"

#include <remora/client.hpp>

#include <filesystem>

namespace {

using namespace fuzz;
using remora::detail::open_fifo;

template <class F>
void within_protocol(F&& read) {
    try {
        read();
    } catch (const remora::error&) {
    }
}

void hear_app(std::span<const std::byte> bytes) {
    within_protocol([&] {
        std::size_t wanted = 0;
        const auto f =
            remora::detail::parse_frame(bytes, remora::detail::control_limits.message, wanted);
        if (!f) return;
        within_protocol([&] {
            const auto reply =
                remora::detail::answer_hello(remora::detail::parse_hello(*f), 1 << 20, 1);
            if (const auto* terms = std::get_if<remora::wire::welcome>(&reply)) {
                must(terms->version == 1, "a version that both know");
                must(terms->max_message >= remora::wire::least_max_message, "a limit that works");
            }
        });
        within_protocol([&] {
            const auto words = remora::detail::payload_of<remora::wire::connect_request>(*f);
            const bool good = remora::detail::is_pipe_name(words.name);
            must(!good || words.name.find('/') == std::string::npos, "a name is no path");
        });
        within_protocol([&] {
            const auto why = remora::detail::payload_of<remora::wire::close_reason>(*f);
            must(why.to_refusal() != std::error_code(), "a refusal is no success");
        });
    });
}

/// The control pipe's ends, and those of one connection, as a server has them.
class server_ends {
public:
    server_ends() {
        for (const std::string base : {"control", "1"}) {
            for (const char* ending : {".up", ".down"}) {
                directory_.make_fifo(base + ending);
                fds_.push_back(open_fifo(directory_.fd(), base + ending, O_RDONLY));
                fds_.push_back(open_fifo(directory_.fd(), base + ending, O_WRONLY));
            }
        }
    }
    std::string path() const { return directory_.path().string(); }
    void say(std::span<const std::byte> bytes) const {
        [[maybe_unused]] const auto count = ::write(fds_[3].get(), bytes.data(), bytes.size());
    }
    void vanish() { fds_.clear(); }

private:
    remora::detail::run_directory directory_;
    std::vector<remora::detail::unique_fd> fds_;
};

asio::awaitable<void> talk(server_ends& server, input in) {
    const std::size_t before = in.take<std::uint16_t>();
    const auto first = in.take_bytes(before);
    const auto second = in.take_rest();
    for (const auto bytes : {first, second}) {
        server.say(bytes);
        for (int i = 0; i < 8; ++i)
            co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    }
    server.vanish();
}

asio::awaitable<void> connect(remora::client& client) {
    const auto pipe = co_await client.connect("echo", {.wait = std::chrono::seconds(1)});
    must(pipe.is_open(), "a pipe that is open");
}

void be_app(input in) {
    server_ends server;
    std::string words[] = {"app", "--remora.pipes=" + server.path()};
    char* argv[] = {words[0].data(), words[1].data(), nullptr};
    int argc = 2;
    asio::io_context io;
    bool done = false;
    remora::client client{io, argc, argv};
    asio::co_spawn(io, talk(server, in), asio::detached);
    asio::co_spawn(io, connect(client), [&](const std::exception_ptr&) { done = true; });
    while (!done && io.run_one_for(std::chrono::seconds(1)) != 0) {
    }
    must(done, "connect ends");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const clocked time;
    input in(data, size);
    if (in.take() % 2 == 0) {
        hear_app(in.take_rest());
    } else {
        be_app(in);
    }
    return 0;
}
