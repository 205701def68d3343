// SPDX-License-Identifier: MIT
// A server and an app: two processes. How they start, and what the server gives back.
#include "support/runs.hpp"

#include <filesystem>
#include <future>

#include <asio/thread_pool.hpp>

namespace {

using namespace test;
using remora::errc;

TEST_CASE("an app talks with its server and ends with its own code") {
    served_run r({"echo", "100"});
    r.server.serve("echo", echo_service);
    CHECK(r.finish().code() == 0);
    CHECK(r.is_clean());
}

TEST_CASE("an app that has ended before its server's context runs ends the run") {
    served_run r({"echo", "1"});
    r.kill_app();
    r.await_death_of_app();
    CHECK(r.finish().code() == 137);
    CHECK(r.is_clean());
}

TEST_CASE("a second process that says hello to a server is told that this has its app") {
    std::string said;
    remora::server_options options{.target = REMORA_TEST_APP,
                                   .launcher = {"/bin/sh", "-c", "\"$@\" && exec \"$@\"", "sh"}};
    options.standard_error = [&](std::string_view line) { said += line; };
    served_run r({"echo", "1"}, std::move(options));
    r.server.serve("echo", echo_service);
    CHECK(r.finish().code() == 69);
    CHECK_MESSAGE(said.find("has its app already") != std::string::npos, said);
}

TEST_CASE("server.run returns the app's code") {
    asio::io_context io;
    remora::server server{io, {.target = REMORA_TEST_APP}};
    server.serve("echo", echo_service);
    CHECK(server.run({"codes", "42"}) == 42);
    CHECK(server.run({"vanish", "9"}) == 137);
}

TEST_CASE("server.run says so if somebody else has taken the app's status") {
    asio::io_context io;
    remora::server server{io, {.target = REMORA_TEST_APP, .on_event = [](const remora::event& e) {
                                   if (e.kind != remora::event_kind::started) return;
                                   ::kill(e.pid, SIGKILL);
                                   ::waitpid(e.pid, nullptr, 0);
                               }}};
    std::string printed;
    {
        const captured_errors errors(printed);
        CHECK(server.run({"mute"}) == 125);
    }
    CHECK_MESSAGE(printed.find("its status is unknown") != std::string::npos, printed);
}

TEST_CASE("a server works on the executor of a thread pool") {
    run_parent();
    asio::thread_pool pool(2);
    {
        remora::server server{pool.get_executor(), {.target = REMORA_TEST_APP}};
        server.serve("echo", echo_service);
        const auto run = server.start({"many", "20"});
        CHECK(server.get_executor() == pool.get_executor());
        CHECK(run.get_executor() == server.get_executor());
        auto end = future_of(run.get_executor(), run.result());
        REQUIRE(end.wait_for(patience) == std::future_status::ready);
        CHECK(end.get().code() == 0);
    }
    pool.join();
    CHECK(run_directories() == 0);
}

TEST_CASE("server.run needs a context that it can run") {
    asio::io_context io;
    const auto code_on = [](const asio::any_io_executor& executor) {
        remora::server server{executor, {.target = REMORA_TEST_APP}};
        server.serve("echo", echo_service);
        return server.run({"codes", "42"});
    };
    CHECK(code_on(io.get_executor()) == 42);
    std::string printed;
    {
        const captured_errors errors(printed);
        CHECK(code_on(asio::make_strand(io)) == 125);
    }
    CHECK(printed == "remora: server.run() needs a server that was made with an io_context\n");
}

TEST_CASE("client.run needs a context that it can run") {
    served_run r({"elsewhere"});
    CHECK(r.finish().code() == 70);
}

TEST_CASE("one server serves one run after another, but not two at a time") {
    served_run r({"echo", "3"});
    r.server.serve("echo", echo_service);
    CHECK(failure_of([&] { r.server.start(); }).code == code(errc::already_running));
    CHECK(r.finish().code() == 0);
    r.start({"echo", "3"});
    CHECK(r.finish().code() == 0);
    CHECK(r.is_clean());
}

TEST_CASE("a run that is over does not let a second one start beside the one that lives") {
    served_run r({"echo", "1"});
    r.server.serve("echo", echo_service);
    r.finish();
    r.start({"waits"});  // the handle of the first run is gone now
    r.io.poll();
    CHECK(failure_of([&] { r.server.start(); }).code == code(errc::already_running));
    r.run().kill();
    CHECK(r.finish().code() == 137);
}

TEST_CASE("limits are checked before anything is started") {
    asio::io_context io;
    remora::server_options options;
    options.target = REMORA_TEST_APP;
    options.limits.queue = 0;
    remora::server server{io, options};
    CHECK(failure_of([&] { server.start(); }).code == code(errc::bad_option));
    CHECK(run_directories() == 0);
}

TEST_CASE("a failure hook that throws does not keep the run alive") {
    asio::io_context io;
    remora::server_options options;
    options.target = REMORA_TEST_APP;
    options.on_failure = [](std::string_view, std::exception_ptr) {
        throw std::runtime_error("no");
    };
    options.drain_timeout = 1h;
    remora::server server{io, options};
    server.serve("bad", [](remora::pipe) -> asio::awaitable<void> {
        throw std::runtime_error("out of order");
        co_return;
    });
    CHECK(server.run({"uses", "bad"}) == static_cast<int>(errc::service_failed));
}

TEST_CASE("arguments arrive whatever is in them, without the address of the server") {
    const std::vector<std::string> sent{"--remora.pipes",
                                        "--remora.pipesx=1",
                                        "a b",
                                        "\"",
                                        "'",
                                        "=",
                                        "--x=a=b",
                                        "",
                                        "ä€",
                                        "-- ",
                                        "$HOME",
                                        "\n"};
    std::vector<std::string> arguments{"report"};
    arguments.insert(arguments.end(), sent.begin(), sent.end());
    served_run r(arguments);
    std::vector<std::string> got;
    r.server.serve("report", [&got](remora::pipe p) -> asio::awaitable<void> {
        return collect<text>(std::move(p), [&got](const text& t) { got.push_back(t.value); });
    });
    CHECK(r.finish().code() == 0);
    CHECK(got == sent);
}

TEST_CASE("a target whose path has spaces, quotes and other letters is started") {
    const scratch directory;
    const auto target = directory.path / "a \"b\" = 'ü' $x" / "the app";
    std::filesystem::create_directories(target.parent_path());
    std::filesystem::copy_file(REMORA_TEST_APP, target);
    remora::server_options options;
    options.target = target;
    served_run r({"echo", "1"}, options);
    r.server.serve("echo", echo_service);
    CHECK(r.finish().code() == 0);
}

TEST_CASE("the event hello has the app's pid, not its launcher's") {
    remora::server_options options;
    options.launcher = {"sh", "-c", "\"$@\"; exit $?", "sh"};
    served_run r({"waits"}, options);
    std::int64_t told = 0, own = 0;
    r.on_event = [&](const remora::event& e) {
        if (e.kind == remora::event_kind::hello) told = e.pid;
    };
    r.server.serve("silent", [&](remora::pipe p) -> asio::awaitable<void> {
        own = (co_await p.receive<number>()).value;
    });
    r.finish();
    CHECK(told == own);
    CHECK(told != r.run().pid());
}

TEST_CASE("lines that nobody reads do not end the server") {
    asio::io_context io;
    ::setenv("REMORA_LOG", "debug", 1);
    remora::server server{io, {.target = REMORA_TEST_APP, .standard_error = remora::null_device}};
    ::unsetenv("REMORA_LOG");
    server.serve("bad", [](remora::pipe) -> asio::awaitable<void> {
        throw std::runtime_error("out of order");
        co_return;
    });
    const unread_errors errors;
    CHECK(server.run({"uses", "bad"}) == static_cast<int>(errc::service_failed));
    remora::server lost{io, {.target = "/no/such/file"}};
    CHECK(lost.run() == 127);
}

TEST_CASE("an exception that leaves the app is printed and becomes 70") {
    served_run r({"throws"});
    r.server.serve("echo", echo_service);
    CHECK(r.finish().code() == 70);
}

TEST_CASE("a server that cannot start its app leaves nothing, and says what is wrong") {
    asio::io_context io;
    const auto code_for = [&](const std::string& target) {
        remora::server server{io, {.target = target}};
        const auto why = failure_of([&] { server.start(); });
        CHECK(why.has(target));
        return server.run();
    };
    CHECK(code_for("/no/such/file") == 127);
    CHECK(code_for("/tmp") == 126);
    CHECK(code_for("/etc/hostname") == 126);
    CHECK(no_child_is_left());
    CHECK(run_directories() == 0);
}

TEST_CASE("what is wrong before the app is executed is the server's failure, of code 125") {
    run_parent();
    asio::io_context io;
    remora::server nowhere{io, {.target = REMORA_TEST_APP, .working_directory = "/no/such"}};
    CHECK(nowhere.run() == 125);
    remora::server server{io, {.target = REMORA_TEST_APP}};
    ::setenv("XDG_RUNTIME_DIR", "/proc", 1);  // where only root is let to try, and fails
    if (::geteuid() == 0) CHECK(server.run() == 125);
    ::setenv("XDG_RUNTIME_DIR", run_parent().c_str(), 1);
}

}  // namespace
