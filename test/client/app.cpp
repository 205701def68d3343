// SPDX-License-Identifier: MIT
// The app of the tests: what its first argument says.
#include "support/calls.hpp"
#include "support/giving_up.hpp"
#include "support/messages.hpp"

#include <remora/client.hpp>
#include <remora/service.hpp>

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
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

// Says what is in the root directory, and the network's interfaces.
asio::awaitable<int> looks() {
    auto pipe = co_await connect("report");
    for (const auto& entry : std::filesystem::directory_iterator("/"))
        co_await pipe.send<text>(entry.path().string());
    std::ifstream interfaces("/proc/net/dev");
    for (std::string line; std::getline(interfaces, line);)
        co_await pipe.send<text>(line);
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

// Ends as the server says: by a signal if the number is negative, else with that code.
asio::awaitable<int> obeys() {
    auto pipe = co_await connect("orders");
    const auto order = static_cast<int>((co_await pipe.receive<number>()).value);
    if (order < 0) ::raise(-order);
    co_return order;
}

// Answers no question, and dies of the third.
asio::awaitable<int> dies_of_questions() {
    auto pipe = co_await connect("asks");
    int asked = 0;
    remora::service answers;
    answers.on([&asked](test::app_question) -> asio::awaitable<number> {
        if (++asked == 3) ::raise(SIGKILL);
        asio::steady_timer never(co_await asio::this_coro::executor,
                                 asio::steady_timer::time_point::max());
        co_await never.async_wait(asio::use_awaitable);
        co_return number{};
    });
    co_await pipe.serve(answers);
    co_return 0;
}

// Sends what is to be called, and what nobody takes; the answers of calls come behind it.
asio::awaitable<int> sends_wrongly() {
    auto desk = co_await connect("desk");
    for (int i = 0; i != 2; ++i) {
        co_await desk.send<test::app_question>(1);
        co_await desk.send<text>("of no use");
    }
    co_await desk.call<test::app_question>(1);
    auto greeter = co_await connect("greeter");
    co_await greeter.call<test::app_question>(1);
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
    auto kind = remora::transport_kind::automatic;
    while (remora::to_string(kind) != words.at(0))
        kind = static_cast<remora::transport_kind>(static_cast<int>(kind) + 1);
    return code_of(demand(kind));
}

// Asks how long its calls may take, or those that the server makes: in hours, 0 for no limit. The
// first word is the default of the client, the second that of the connection; 0 for none.
asio::awaitable<void> ask_hours(int& hours) {
    remora::connect_options options;
    if (words.at(1) != "0") options.call_timeout = std::chrono::hours(std::stoi(words.at(1)));
    auto pipe = co_await app_client->connect("time", options);
    pipe.attach(remora::service().on(test::tell_time));
    const bool of_server = words.size() > 2;
    const auto left = co_await pipe.call<test::ask_time>(of_server);
    const std::chrono::nanoseconds time(left.value);
    if (time != time.max())
        hours = static_cast<int>(std::chrono::ceil<std::chrono::hours>(time).count());
}

asio::awaitable<int> asks_hours() {
    int hours = 0;
    const int failed = co_await code_of(ask_hours(hours));
    co_return failed != 0 ? failed : hours;
}

asio::awaitable<int> uses() {
    return code_of(use(words.at(0)));
}

// So many connections, each with a sum of its own.
asio::awaitable<int> totals() {
    std::vector<remora::pipe> pipes;
    for (int i = 0; i < argument; ++i)
        pipes.push_back(co_await connect("totals"));
    for (int round = 1; round <= 3; ++round) {
        for (int i = 0; i < argument; ++i) {
            auto& pipe = pipes[static_cast<std::size_t>(i)];
            const auto total = co_await pipe.call<test::add>(i);
            if (total.value != round * i) co_return 1;
        }
    }
    co_return 0;
}

// So many connections, each with a stream of what the calls of all make the server tell; then ends,
// by SIGKILL if it was told so.
asio::awaitable<int> follows() {
    std::vector<remora::pipe> pipes;
    std::vector<remora::stream<number>> streams;
    for (int i = 0; i < argument; ++i) {
        pipes.push_back(co_await connect("events"));
        streams.push_back(co_await pipes.back().stream<test::count_up>());
        co_await pipes.back().call<test::add>();  // it follows by now
    }
    for (int i = 0; i < argument; ++i)
        co_await pipes[static_cast<std::size_t>(i)].call<test::remember>(i);
    for (auto& stream : streams) {
        std::int64_t all = 0;
        for (int i = 0; i < argument; ++i)
            all += (co_await stream.next()).value().value;
        if (all != argument * (argument - 1) / 2) co_return 1;
    }
    if (words.size() > 1) ::raise(SIGKILL);
    co_return 0;
}

// Ends while the server serves a call of it.
asio::awaitable<int> dies_in_call() {
    auto pipe = co_await connect("totals");
    const test::wait_for_ever never;
    asio::co_spawn(pipe.get_executor(), pipe.call(never), asio::detached);
    co_await pipe.call<test::add>(1);
    ::raise(SIGKILL);
    co_return 0;
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
    {"looks", looks},
    {"pictures", pictures},
    {"leave", leave},
    {"vanish", vanish},
    {"connects", connects},
    {"uses", uses},
    {"follows", follows},
    {"totals", totals},
    {"dies_in_call", dies_in_call},
    {"asks_hours", asks_hours},
    {"demands", demands},
    {"cramped", cramped},
    {"waits", waits},
    {"fills", fills},
    {"spins", spins},
    {"throws", throws},
    {"stays", stays},
    {"codes", codes},
    {"codes_again", codes},
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
    {"obeys", obeys},
    {"dies_of_questions", dies_of_questions},
    {"sends_wrongly", sends_wrongly},
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
    if (mode == "asks_hours" && std::string(argv[3]) != "0")
        options.call_timeout = std::chrono::hours(std::atoi(argv[3]));
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
    const int code = client.run(modes.at(argv[1]));
    return mode == "codes_again" ? client.run(modes.at(argv[1])) : code;
}
