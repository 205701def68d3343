// SPDX-License-Identifier: MIT
// Servers as processes of their own, and the signals they get.
#include <pty.h>

#include <map>

#include "support/hosts.hpp"

namespace {

using namespace test;

// Sends a signal and comes back when the server has dealt with it. True if it stops the app.
bool stops_at(host& h, int signal) {
    h.kill(signal);
    h.kill(SIGUSR1);
    CHECK(h.line_with("here") == "here");
    return std::ranges::any_of(h.skipped,
                               [](const auto& line) { return line.starts_with("stopping"); });
}

auto action_of(int signal) {
    struct sigaction now{};
    ::sigaction(signal, nullptr, &now);
    return now.sa_handler;
}

TEST_CASE("the first SIGINT is the app's, the second one within two seconds stops it") {
    for (const int signal : {SIGINT, SIGQUIT}) {
        host h({}, {"waits"});
        CHECK(h.line_with("message") == "message");
        CHECK(!stops_at(h, signal));
        h.kill(signal);
        CHECK(h.line_with("stopping").ends_with("goodbye"));
        CHECK(h.line_with("result") == "result: exited with 143, stopped by goodbye");
        CHECK(h.end() == exited(143));
    }
    CHECK(run_directories() == 0);
}

TEST_CASE("SIGTERM and SIGHUP stop the app at once, beginning with goodbye") {
    for (const int signal : {SIGTERM, SIGHUP}) {
        host h({}, {"waits"});
        CHECK(result_after(h, {signal}) == "result: exited with 143, stopped by goodbye");
        CHECK(h.end() == exited(143));
    }
    CHECK(run_directories() == 0);
}

TEST_CASE("an app that ignores everything is killed, and the result says so") {
    host h({"stop_timeout=20"}, {"deaf"});
    CHECK(result_after(h, {SIGTERM}) == "result: killed by SIGKILL (9), stopped by SIGKILL");
    CHECK(h.end() == exited(137));
    CHECK(run_directories() == 0);
}

TEST_CASE("each further SIGTERM takes the next step without waiting") {
    host h({"stop_timeout=3600000"}, {"deaf"});
    CHECK(h.line_with("message") == "message");
    for (const std::string step : {"goodbye", "SIGTERM", "SIGKILL"}) {
        h.kill(SIGTERM);
        CHECK(h.line_with("stopping").ends_with(step));
    }
    CHECK(h.end() == exited(137));
}

// Ends the app with the first signal while it uses `silent`, once the server has got the others.
void end_app(host& h, int signal, const std::vector<int>& to_server = {}) {
    const std::string started = h.line_with("started");
    CHECK(h.line_with("message") == "message");
    for (const int each : to_server)
        CHECK(!stops_at(h, each));
    ::kill(std::stoi(started.substr(started.rfind(' '))), signal);
    CHECK(h.line_with("app ended").ends_with(remora::to_string(signalled(signal))));
}

TEST_CASE("when the app has ended by itself, a stop signal cancels its services") {
    host h({"drain_timeout=3600000"}, {"waits"});
    end_app(h, SIGKILL);
    h.kill(SIGTERM);
    CHECK(h.line_with("result") == "result: killed by SIGKILL (9), stopped by none");
    CHECK(h.end() == exited(137));
    CHECK(run_directories() == 0);
}

TEST_CASE("a second stop signal ends the wait for services that do not end") {
    for (const int second : {SIGTERM, SIGHUP, SIGINT}) {
        host h({"drain_timeout=3600000", "stubborn"}, {"waits"});
        end_app(h, SIGKILL);
        CHECK(!stops_at(h, SIGTERM));
        h.kill(second);
        CHECK(h.line_with("result") == "result: killed by SIGKILL (9), stopped by none");
        CHECK(h.end() == exited(137));
    }
}

TEST_CASE("a second Ctrl-C ends the wait for services after the first has ended the app") {
    host h({"drain_timeout=3600000", "stubborn"}, {"waits"});
    end_app(h, SIGINT, {SIGINT});  // as from a terminal, to both
    h.kill(SIGINT);
    CHECK(h.line_with("result") == "result: killed by SIGINT (2), stopped by none");
    CHECK(h.end() == exited(130));
}

// False at the end.
bool read_byte(int fd, char& byte) {
    pollfd ready{fd, POLLIN, 0};
    const auto limit = std::chrono::duration_cast<std::chrono::milliseconds>(patience).count();
    REQUIRE_MESSAGE(::poll(&ready, 1, static_cast<int>(limit)) > 0, "server or app hangs");
    return ::read(fd, &byte, 1) == 1;
}

// Starts the server on a terminal of its own, with server.run(); presses a key of the terminal when
// the app uses `silent`. How the server has ended.
remora::exit_status end_by_key(char key, const char* mode) {
    run_parent();
    int terminal = -1;
    const pid_t pid = ::forkpty(&terminal, nullptr, nullptr, nullptr);
    if (pid == 0) {
        const rlimit no_core{0, 0};
        ::setrlimit(RLIMIT_CORE, &no_core);
        ::execl(REMORA_TEST_SERVER, REMORA_TEST_SERVER, "runs", "--", REMORA_TEST_APP, mode,
                nullptr);
        ::_exit(127);
    }
    const remora::detail::unique_fd closed_in_the_end(terminal);
    std::string text;
    for (char byte = 0; text.find("message") == text.npos && read_byte(terminal, byte);)
        text += byte;
    CHECK(::write(terminal, &key, 1) == 1);
    for (char byte = 0; read_byte(terminal, byte);) {
    }
    int word = 0;
    REQUIRE(::waitpid(pid, &word, 0) > 0);
    return orphanage::status_of(word);
}

TEST_CASE("a server whose app died by Ctrl-C dies by it too, so that a shell's loop ends") {
    CHECK(end_by_key('\003', "waits") == signalled(SIGINT));
    CHECK(end_by_key('\034', "waits") == signalled(SIGQUIT));
    CHECK(run_directories() == 0);
}

TEST_CASE("an app that Ctrl-C ends by an exit code of its own gives that to the server") {
    CHECK(end_by_key('\003', "interrupted") == exited(3));
}

TEST_CASE("a signal that the terminal did not send is a code of the server's") {
    host h({"runs"}, {"vanish", std::to_string(SIGINT)});
    CHECK(h.end() == exited(128 + SIGINT));
}

TEST_CASE("a third stop signal ends a server whose handler computes for ever") {
    for (const int third : {SIGTERM, SIGHUP, SIGINT}) {
        host h({"computes"}, {"waits"});
        CHECK(h.line_with("message") == "message");
        h.kill_and_wait(SIGTERM);
        h.kill_and_wait(SIGINT);
        h.kill(third);
        CHECK(h.end() == signalled(third));
    }
}

TEST_CASE("a stop signal stops the apps of all servers of the process") {
    served_run one({"waits"}), two({"waits"});
    for (served_run* r : {&one, &two}) {
        r->server.serve("silent", [](remora::pipe p) -> asio::awaitable<void> {
            co_await p.receive<number>();
            co_await p.next<number>();
        });
    }
    ::raise(SIGHUP);
    for (served_run* r : {&one, &two})
        CHECK(r->finish().stopped_by != remora::stop_step::none);
    CHECK((action_of(SIGHUP) == SIG_DFL));
}

TEST_CASE("a run goes on to get stop signals when another server's is over") {
    std::optional<served_run> one(std::in_place, std::vector<std::string>{"exit", "3"});
    remora::server_options options;
    options.stop_timeout = 1ms;
    served_run two({"mute"}, options);
    CHECK(one->finish().code() == 3);
    one.reset();
    ::raise(SIGHUP);
    CHECK(two.finish().stopped_by != remora::stop_step::none);
}

TEST_CASE("a handler that the host sets during a run stays") {
    served_run r({"exit", "3"});
    const auto before = ::signal(SIGHUP, [](int) {});
    const auto hosts = action_of(SIGHUP);
    CHECK((before != hosts));
    CHECK(r.finish().code() == 3);
    CHECK((action_of(SIGHUP) == hosts));
    ::signal(SIGHUP, SIG_DFL);
}

TEST_CASE("signals have the action again that they had when the run is over") {
    std::map<int, void (*)(int)> before;
    for (const int signal : {SIGINT, SIGQUIT, SIGTERM, SIGHUP})
        before[signal] = action_of(signal);
    served_run r({"echo", "1"});
    r.server.serve("echo", echo_service);
    CHECK(r.finish().code() == 0);
    for (const auto& [signal, action] : before)
        CHECK((action_of(signal) == action));
}

TEST_CASE("signals that the host handles are left to the host") {
    const signal_action mine(SIGTERM, [](int) {});
    const auto before = action_of(SIGTERM);
    served_run r({"echo", "1"});
    r.server.serve("echo", echo_service);
    CHECK((action_of(SIGTERM) == before));
    CHECK(r.finish().code() == 0);
    CHECK((action_of(SIGTERM) == before));
}

TEST_CASE("a server without standard streams serves, and nothing that its app prints is a frame") {
    for (const std::string which : {"0", "1", "2", "01", "02", "12", "012"}) {
        CAPTURE(which);
        host h({"closes=" + which}, {"prints", "5"});
        CHECK(h.end() == exited(0));
    }
    CHECK(run_directories() == 0);
}

TEST_CASE("where the system refuses pidfds, apps are stopped and their ends are told") {
    for (const std::string call : {"refuses=pidfd_open", "refuses=pidfd_send_signal"}) {
        for (const std::string how : {"", "handles_children", "handles_children_later"}) {
            CAPTURE(call);
            CAPTURE(how);
            host h({call, how, "stop_timeout=20"}, {"deaf"});
            CHECK(result_after(h, {SIGTERM}) ==
                  "result: killed by SIGKILL (9), stopped by SIGKILL");
            CHECK(h.end() == exited(137));
        }
    }
    CHECK(run_directories() == 0);
}

TEST_CASE("the first SIGINT stops an app that the terminal does not send it to") {
    for (const std::string group : {"group", "session"}) {
        host h({group}, {"waits"});
        CHECK(result_after(h, {SIGINT}) == "result: exited with 143, stopped by goodbye");
        CHECK(h.end() == exited(143));
    }
}

TEST_CASE("a server that does not hear of its children's ends still follows its app") {
    for (const std::string how : {"ignores_children", "blocks_children"}) {
        CAPTURE(how);
        host h({how}, {"codes", "42"});
        const std::string result = h.line_with("result");
        const bool exact = result == "result: exited with 42, stopped by none";
        CHECK((exact || (how == "ignores_children" && result.find("unknown") != result.npos)));
        h.end();
    }
    CHECK(run_directories() == 0);
}

}  // namespace
