// SPDX-License-Identifier: MIT
// The app of the tests: what its first argument says.
#include "support/giving_up.hpp"
#include "support/messages.hpp"

#include <remora/client.hpp>

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>

namespace {

using test::number;
using test::text;

remora::client* app_client = nullptr;
int argument = 0;
std::vector<std::string> words;

asio::awaitable<remora::pipe> connect(const char* name) {
    return app_client->connect(name);
}

// Sends numbers and checks that they come back.
asio::awaitable<int> echo() {
    auto pipe = co_await connect("echo");
    for (number n{0}; n.value < argument; ++n.value) {
        co_await pipe.send(n);
        const auto back = co_await pipe.receive<number>();
        if (back.value != n.value) co_return 1;
    }
    co_return 0;
}

// Sends images by reference, and checks what the server makes of them. The last one it holds until
// it is killed, if a further word says so.
asio::awaitable<int> pictures() {
    auto pipe = co_await connect("pictures");
    for (int i = 1; i <= argument; ++i) {
        auto made = pipe.allocate(1u << 20);
        std::ranges::fill(made, static_cast<std::byte>(i));
        const remora::shared_bytes picture = std::move(made);
        co_await pipe.send(picture);
        const auto back = co_await pipe.receive<remora::shared_bytes>();
        if (back.size() != picture.size() || back.end()[-1] != ~picture.end()[-1]) co_return 1;
        if (i == argument && words.back() == "killed") ::raise(SIGKILL);
    }
    co_return 0;
}

// Writes to its standard streams, which are nothing of Remora's, and echoes.
asio::awaitable<int> prints() {
    std::puts("printed");
    std::fflush(stdout);
    std::fputs("printed\n", stderr);
    return echo();
}

// Says what it was started with, through the pipe.
asio::awaitable<int> report() {
    auto pipe = co_await connect("report");
    for (const auto& word : words)
        co_await pipe.send<text>(word);
    co_return 0;
}

// Sends numbers and leaves without waiting: with a code, or by a signal.
asio::awaitable<int> leave() {
    auto pipe = co_await connect("take");
    for (number n{0}; n.value < argument; ++n.value)
        co_await pipe.send(n);
    if (words.size() > 2 && words[1] == "signal") ::raise(std::atoi(words[2].c_str()));
    co_return words.size() > 2 ? std::atoi(words[2].c_str()) : 3;
}

// Ends in the middle, without a word.
asio::awaitable<int> vanish() {
    auto pipe = co_await connect("echo");
    co_await pipe.send<number>(1);
    co_await pipe.receive<number>();
    ::raise(argument);
    co_return 0;
}

// The code of the error with which a connection ends, or fails to begin.
asio::awaitable<int> code_of(asio::awaitable<void> operation) {
    try {
        co_await std::move(operation);
    } catch (const std::system_error& e) {
        std::fprintf(stderr, "%s\n", e.what());
        co_return e.code().value();
    }
    co_return 0;
}

asio::awaitable<void> connect_to(std::string name) {
    co_await app_client->connect(std::move(name));
}

asio::awaitable<int> connects() {
    return code_of(connect_to(words.at(0)));
}

asio::awaitable<void> use(std::string name) {
    auto pipe = co_await app_client->connect(std::move(name));
    co_await pipe.send<number>(1);
    co_await pipe.receive<number>();
}

// With room for hardly more addresses than it uses now.
asio::awaitable<int> cramped() {
    rlim_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    const auto page = static_cast<rlim_t>(::sysconf(_SC_PAGESIZE));
    const rlim_t most = pages * page + (16u << 20);
    const rlimit limit{most, most};
    ::setrlimit(RLIMIT_AS, &limit);
    return echo();
}

// Connects with the transport that it demands.
asio::awaitable<void> demand(remora::transport_kind kind) {
    auto pipe = co_await app_client->connect("echo", {.transport = kind});
    co_await pipe.send<number>(static_cast<std::int64_t>(pipe.transport()));
    co_await pipe.receive<number>();
}

asio::awaitable<int> demands() {
    const bool fifo = words.at(0) == "fifo";
    return code_of(
        demand(fifo ? remora::transport_kind::fifo : remora::transport_kind::shared_memory));
}

asio::awaitable<int> uses() {
    return code_of(use(words.at(0)));
}

asio::awaitable<int> waits_for_name() {
    auto pipe = co_await app_client->connect("late", {.wait = std::chrono::seconds(30)});
    co_await pipe.send<number>(1);
    co_return 0;
}

asio::awaitable<int> many() {
    std::vector<remora::pipe> pipes;
    for (int i = 0; i < argument; ++i)
        pipes.push_back(co_await connect("echo"));
    for (int i = 0; i < argument; ++i)
        co_await pipes[static_cast<std::size_t>(i)].send<number>(i);
    for (int i = 0; i < argument; ++i) {
        const auto back = co_await pipes[static_cast<std::size_t>(i)].receive<number>();
        if (back.value != i) co_return 1;
    }
    co_return 0;
}

// Connects until it is refused; the number of pipes it got.
asio::awaitable<int> hoards() {
    std::vector<remora::pipe> pipes;
    try {
        for (;;)
            pipes.push_back(co_await app_client->connect(words.at(0)));
    } catch (const std::system_error& e) {
        co_return e.code() == remora::errc::overloaded ? static_cast<int>(pipes.size()) : 99;
    }
}

// Waits for a message that never comes.
asio::awaitable<int> waits() {
    auto pipe = co_await connect("silent");
    co_await pipe.send<number>(::getpid());
    co_await pipe.receive<number>();
    co_return 0;
}

// The same, and exits by a code of its own at Ctrl-C.
asio::awaitable<int> interrupted() {
    ::signal(SIGINT, [](int) { ::_exit(3); });
    return waits();
}

// Fills a pipe that nobody reads.
asio::awaitable<int> fills() {
    auto pipe = co_await connect("silent");
    co_await pipe.send<number>(::getpid());
    const auto big = test::make_blob(1, 8'000'000);
    co_await pipe.send(big);
    co_return 0;
}

// Computes outside of the event loop, for ever.
asio::awaitable<int> spins() {
    auto pipe = co_await connect("silent");
    co_await pipe.send<number>(::getpid());
    for (volatile bool always = true; always;) {
    }
    co_return 0;
}

asio::awaitable<int> throws() {
    co_await connect("echo");
    throw std::runtime_error("the app has had enough");
}

// Lives on after the server, and says so by its exit code.
asio::awaitable<int> stays() {
    auto pipe = co_await connect("silent");
    co_await pipe.send<number>(::getpid());
    try {
        co_await pipe.receive<number>();
    } catch (const std::system_error& e) {
        co_return e.code() == remora::errc::server_gone ? 7 : 8;
    }
    co_return 9;
}

// Leaves a child behind that has the pipes' ends and lives until the end of stdin; then dies.
asio::awaitable<int> forks() {
    auto pipe = co_await connect("echo");
    co_await pipe.send<number>(1);
    co_await pipe.receive<number>();
    if (::fork() == 0) {
        ::close(1);
        char byte = 0;
        while (::read(0, &byte, 1) > 0) {
        }
        ::_exit(0);
    }
    ::raise(SIGKILL);
    co_return 0;
}

// Sends the names that the server serves.
asio::awaitable<int> lists() {
    const auto names = co_await app_client->services();
    auto pipe = co_await connect("report");
    for (const auto& name : names)
        co_await pipe.send<text>(name);
    co_return 0;
}

asio::awaitable<int> codes() {
    co_await connect("echo");
    co_return argument;
}

const std::map<std::string, asio::awaitable<int> (*)()> modes{
    {"echo", echo},
    {"report", report},
    {"pictures", pictures},
    {"leave", leave},
    {"vanish", vanish},
    {"connects", connects},
    {"uses", uses},
    {"demands", demands},
    {"cramped", cramped},
    {"waits", waits},
    {"fills", fills},
    {"spins", spins},
    {"throws", throws},
    {"stays", stays},
    {"codes", codes},
    {"many", many},
    {"hoards", hoards},
    {"waits_for_name", waits_for_name},
    {"forks", forks},
    {"deaf", waits},
    {"lists", lists},
    {"needs", connects},
    {"interrupted", interrupted},
    {"elsewhere", codes},
    {"prints", prints},
};

asio::awaitable<void> list_services() {
    co_await app_client->services();
}

// Four threads and four strands, on which what they ask the server for is given up.
int give_up(asio::io_context& io) {
    auto work = asio::make_work_guard(io);
    std::atomic<int> left = 4;
    for (int i = 0; i < 4; ++i) {
        const auto operation = [i]() -> asio::awaitable<void> {
            return i % 2 == 0 ? connect_to("echo") : list_services();
        };
        asio::co_spawn(asio::make_strand(io), test::give_up_often(operation, argument),
                       [&](std::exception_ptr) {
                           if (--left == 0) io.stop();
                       });
    }
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] { io.run(); });
    for (auto& thread : threads)
        thread.join();
    return left;
}

// Not a client at all: does not listen to anything.
[[noreturn]] void be_mute() {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::signal(SIGTERM, SIG_IGN);
    for (;;)
        ::pause();
}

}  // namespace

int main(int argc, char** argv) {
    const std::string mode = argc > 2 ? argv[2] : "";
    if (mode == "mute") be_mute();
    if (mode == "exit") return std::atoi(argv[3]);
    asio::io_context io;
    remora::client_options options;
    if (mode == "stays") options.on_server_gone = remora::server_gone_policy::stay();
    if (mode == "deaf") {
        options.on_goodbye = [] {};
        ::signal(SIGTERM, SIG_IGN);
    }
    if (mode == "needs") options.min_server_version = 3;
    if (mode == "spins") {
        options.on_server_gone =
            remora::server_gone_policy::end_within(std::chrono::milliseconds(300));
    }
    asio::any_io_executor executor = io.get_executor();
    if (mode == "elsewhere") executor = asio::make_strand(io);
    remora::client client{executor, argc, argv, options};
    if (client.get_executor() != executor) return 65;
    app_client = &client;
    if (argc > 2) argument = std::atoi(argv[2]);
    if (argc > 1 && std::string(argv[1]) == "gives_up") return give_up(io);
    if (argc < 2 || !modes.contains(argv[1])) return 64;
    words.assign(argv + 2, argv + argc);
    return client.run(modes.at(argv[1]));
}
