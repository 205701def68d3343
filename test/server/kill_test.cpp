// SPDX-License-Identifier: MIT
// Death at any moment, on either side.
#include "support/hosts.hpp"

#include <random>
#include <thread>

namespace {

using namespace test;
using remora::stop_step;

using random_numbers = std::mt19937;

int pick(random_numbers& random, int least, int most) {
    return std::uniform_int_distribution(least, most)(random);
}

// Takes one message, then lets the pipe fill.
asio::awaitable<void> silent_service(remora::pipe p) {
    co_await p.receive<number>();
    co_await never();
}

asio::awaitable<void> take_service(remora::pipe p) {
    return collect<number>(std::move(p), [](const number&) {});
}

struct short_life {
    std::vector<std::string> arguments;
    int own_code;  ///< if it comes to its end
};

const std::vector<short_life> lives{
    {{"echo", "1000000000"}, -1}, {{"echo", "5"}, 0}, {{"leave", "300"}, 3},
    {{"many", "20"}, 0},          {{"waits"}, -1},    {{"fills"}, -1},
};

// A run with every service, of which the app does not live to see the end.
struct doomed_run : served_run {
    explicit doomed_run(const short_life& life) : served_run(life.arguments, short_drain()) {
        add("echo", echo_service);
        add("take", take_service);
        add("silent", silent_service);
    }
    static remora::server_options short_drain() {
        remora::server_options options;
        options.drain_timeout = 5ms;
        return options;
    }
    void add(const char* name, asio::awaitable<void> (*service)(remora::pipe)) {
        server.serve(name, [this, service](remora::pipe p) {
            ++begun;
            return counted(service(std::move(p)), *this);
        });
    }
    static asio::awaitable<void> counted(asio::awaitable<void> service, doomed_run& r) {
        bool ended = false;
        struct note {
            doomed_run& r;
            ~note() { ++r.ended; }
        } const noted{r};
        co_await with_end(std::move(service), ended);
    }
    void check_end(int own_code) {
        const auto result = finish();
        CHECK((result.code() == 137 || result.code() == own_code));
        CHECK(result.stopped_by == stop_step::none);
        CHECK(!result.error);
        CHECK(failures.empty());
        CHECK(begun == ended);
        CHECK(is_clean());
    }
    int begun = 0, ended = 0;
};

TEST_CASE("an app that is killed between any two handlers of its server leaves nothing") {
    random_numbers random(1);
    for (int round = 0; round < 120; ++round) {
        const auto& life = lives[static_cast<std::size_t>(round) % lives.size()];
        const int handlers = pick(random, 0, 60);
        CAPTURE(life.arguments[0]);
        CAPTURE(handlers);
        doomed_run r(life);
        // Nothing to do for a while is a good moment, too.
        for (int i = 0; i < handlers && r.io.run_one_for(10ms) != 0; ++i) {
        }
        r.kill_app();
        r.check_end(life.own_code);
    }
}

TEST_CASE("an app that is killed after any time leaves nothing") {
    random_numbers random(2);
    for (int round = 0; round < 80; ++round) {
        const auto& life = lives[static_cast<std::size_t>(round) % lives.size()];
        const auto time = std::chrono::microseconds(pick(random, 0, 20000));
        CAPTURE(life.arguments[0]);
        CAPTURE(time.count());
        doomed_run r(life);
        asio::steady_timer timer(r.io, time);
        timer.async_wait([&r](std::error_code ec) {
            if (!ec) r.kill_app();
        });
        r.check_end(life.own_code);
    }
}

TEST_CASE("an app that is killed at any event leaves nothing") {
    for (const int count : {1, 2, 3, 4, 5, 10, 20, 21}) {
        CAPTURE(count);
        doomed_run r({{"many", "20"}, 0});
        r.on_event = [&](const remora::event&) {
            if (std::ssize(r.events) == count) r.kill_app();
        };
        r.check_end(0);
    }
}

TEST_CASE("a run ends with the app, though a child of the app holds the pipes") {
    const orphanage orphans;
    channel lifeline;
    remora::server_options options;
    options.standard_input = lifeline.out.get();
    served_run r({"forks"}, options);
    bool ended = false;
    r.server.serve(
        "echo", [&ended](remora::pipe p) { return with_end(echo_service(std::move(p)), ended); });
    const auto result = r.finish();
    CHECK(result.code() == 137);
    CHECK(ended);
    CHECK(r.failures.empty());
    CHECK(run_directories() == 0);
    lifeline.in.reset();
    CHECK(orphans.ends() == std::vector{exited(0)});
    CHECK(r.is_clean());
}

// What the next server finds and leaves.
void check_next_server() {
    CHECK(run_directories() <= 1);
    served_run next({"echo", "1"});
    next.server.serve("echo", echo_service);
    CHECK(next.finish().code() == 0);
    CHECK(next.is_clean());
}

// The server is dead or about to die: its app, if it has started, says so with 69.
void check_orphan(host& h) {
    CHECK(h.end() == signalled(SIGKILL));
    for (const auto& end : orphanage::ends())
        CHECK(end == exited(69));
    CHECK(run_directories() <= 1);
}

const std::vector<std::vector<std::string>> long_lives{
    {"echo", "1000000000"}, {"waits"}, {"fills"}, {"waits_for_name"}};

TEST_CASE("a server that is killed between any two of its handlers takes its app with it") {
    const orphanage orphans;
    random_numbers random(3);
    for (int round = 0; round < 100; ++round) {
        const int handlers = pick(random, 0, 40);
        const auto& life = long_lives[static_cast<std::size_t>(round) % long_lives.size()];
        CAPTURE(life[0]);
        CAPTURE(handlers);
        host h({"dies_after=" + std::to_string(handlers)}, life);
        // Where it has nothing left to do, it is helped along.
        if (life[0] != "echo") {
            h.line_with(life[0] == "waits_for_name" ? "hello" : "message");
            h.kill(SIGKILL);
        }
        check_orphan(h);
    }
    check_next_server();
}

TEST_CASE("a server that is killed after any time takes its app with it") {
    const orphanage orphans;
    random_numbers random(4);
    for (int round = 0; round < 100; ++round) {
        const auto time = std::chrono::microseconds(pick(random, 0, 20000));
        const auto& life = long_lives[static_cast<std::size_t>(round) % long_lives.size()];
        CAPTURE(life[0]);
        CAPTURE(time.count());
        host h({}, life);
        std::this_thread::sleep_for(time);  // the moment itself, nothing is waited for
        h.kill(SIGKILL);
        check_orphan(h);
    }
    check_next_server();
}

std::vector<remora::exit_status> ends_without_server(const std::vector<std::string>& app) {
    const orphanage orphans;
    host h({}, app);
    CHECK(h.line_with("message") == "message");
    h.kill(SIGKILL);
    CHECK(h.end() == signalled(SIGKILL));
    return orphans.ends();
}

TEST_CASE("without its server an app ends, stays, or is ended, as it has chosen") {
    CHECK(ends_without_server({"waits"}) == std::vector{exited(69)});
    CHECK(ends_without_server({"fills"}) == std::vector{exited(69)});
    CHECK(ends_without_server({"stays"}) == std::vector{exited(7)});
    CHECK(ends_without_server({"spins"}) == std::vector{exited(69)});
    CHECK(run_directories() <= 1);
    check_next_server();
}

TEST_CASE("an app notices its server's death, though a child of the server holds the pipes") {
    for (const std::string mode : {"waits", "fills", "stays", "spins"}) {
        CAPTURE(mode);
        const orphanage orphans;
        host h({"forks"}, {mode});
        CHECK(h.line_with("message") == "message");
        h.kill(SIGKILL);
        CHECK(h.end() == signalled(SIGKILL));
        CHECK(run_directories() <= 1);
        int word = 0;
        REQUIRE(::waitpid(-1, &word, 0) > 0);
        CHECK(orphans.status_of(word) == exited(mode == "stays" ? 7 : 69));
        h.release();
        CHECK(orphans.ends() == std::vector{exited(0)});
    }
    check_next_server();
}

}  // namespace
