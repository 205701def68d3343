// SPDX-License-Identifier: MIT
// A server and an app: two processes, over FIFOs.
#include "support/runs.hpp"

#include <remora/service.hpp>

#include <asio/experimental/awaitable_operators.hpp>

#include <poll.h>

#include <filesystem>
#include <future>

#include <asio/thread_pool.hpp>
#include <thread>

namespace {

using namespace test;
using remora::errc;
using remora::stop_step;

TEST_CASE("an app talks with its server and ends with its own code") {
    served_run r({"echo", "100"});
    r.server.serve("echo", echo_service);
    CHECK(r.finish().code() == 0);
    CHECK(r.is_clean());
}

TEST_CASE("server.run returns the app's code") {
    asio::io_context io;
    remora::server server{io, {.target = REMORA_TEST_APP}};
    server.serve("echo", echo_service);
    CHECK(server.run({"codes", "42"}) == 42);
    CHECK(server.run({"vanish", "9"}) == 137);
}

// Writes to the FIFO of this name fail from now on. What comes back keeps its end of file away.
remora::detail::unique_fd break_fifo(const std::string& name) {
    const remora::detail::unique_fd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
    std::vector<int> found;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code ignored;
        const int fd = std::atoi(entry.path().filename().c_str());
        const auto target = std::filesystem::read_symlink(entry.path(), ignored).string();
        if (target.find("/" + name) != std::string::npos &&
            (::fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY)
            found.push_back(fd);
    }
    REQUIRE(found.size() == 1);
    remora::detail::unique_fd before(::fcntl(found[0], F_DUPFD_CLOEXEC, 0));
    REQUIRE(::dup3(full.get(), found[0], O_CLOEXEC) == found[0]);
    return before;
}

TEST_CASE("an app that cannot be answered is stopped, and does not wait for ever") {
    served_run r({"echo", "1"});
    r.server.serve("echo", echo_service);
    remora::detail::unique_fd open_but_silent;
    r.on_event = [&](const remora::event& e) {
        if (e.kind == remora::event_kind::hello) open_but_silent = break_fifo("control.down");
    };
    const auto result = r.finish();
    open_but_silent.reset();
    CHECK(result.error == std::errc::no_space_on_device);
    CHECK(result.stopped_by == stop_step::sigterm);
    CHECK(r.is_clean());
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

// Comes back when the app has said something more on the control pipe.
void await_word_of_app() {
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code ignored;
        const auto where = std::filesystem::read_symlink(entry.path(), ignored).string();
        if (where.find("control.up") == std::string::npos) continue;
        pollfd word{std::stoi(entry.path().filename()), POLLIN, 0};
        const auto most = std::chrono::duration_cast<std::chrono::milliseconds>(patience);
        CHECK(::poll(&word, 1, static_cast<int>(most.count())) == 1);
        return;
    }
    FAIL("no control pipe");
}

TEST_CASE("a name that is served right after the start is known, however fast the app is") {
    served_run r({"echo", "1"});
    r.on_event = [](const remora::event& e) {
        if (e.kind == remora::event_kind::hello) await_word_of_app();
    };
    r.server.serve("echo", echo_service);
    await_word_of_app();
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

TEST_CASE("connections that nobody accepts count, too") {
    remora::server_options options;
    options.max_connections = 4;
    served_run r({"hoards", "slow"}, options);
    asio::co_spawn(r.io, accept_one(r.server, "slow"), asio::detached);
    CHECK(r.finish().code() == 4);  // one was taken, three stand in line
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

TEST_CASE("what the app sent before it left is delivered, then its end") {
    served_run r({"leave", "2000"});
    std::int64_t count = 0;
    r.server.serve("take", [&count](remora::pipe p) -> asio::awaitable<void> {
        return collect<number>(std::move(p),
                               [&count](const number& n) { CHECK(n.value == count++); });
    });
    CHECK(r.finish().code() == 3);
    CHECK(count == 2000);
}

asio::awaitable<void> stay_until(remora::pipe, asio::steady_timer& gate) {
    std::error_code ec;
    co_await gate.async_wait(asio::redirect_error(asio::use_awaitable, ec));
}

TEST_CASE("the app's end is told at once, the result when its services have ended") {
    remora::server_options options;
    options.drain_timeout = 1h;
    served_run r({"leave", "1"}, options);
    asio::steady_timer gate(r.io, asio::steady_timer::time_point::max());
    r.server.serve("take", [&gate](remora::pipe p) { return stay_until(std::move(p), gate); });
    std::optional<remora::exit_status> ended;
    std::optional<remora::run_result> over;
    asio::co_spawn(r.io, r.run().result(), [&](auto, auto result) { over = result; });
    asio::co_spawn(r.io, r.run().exited(), [&](auto, auto status) { ended = status; });
    run_until(r.io, [&] { return ended.has_value(); });
    r.io.poll();
    CHECK(ended == exited(3));
    CHECK(!over);
    CHECK(std::ranges::count(r.events, remora::event_kind::app_ended, &remora::event::kind) == 1);
    gate.expires_at({});
    run_until(r.io, [&] { return over.has_value(); });
    CHECK(over->status == exited(3));
    CHECK(r.is_clean());
}

TEST_CASE("handlers that are served under a name take what the app sends there") {
    served_run r({"leave", "2000"});
    std::int64_t count = 0;
    remora::service taking;
    taking.on([&count](number n) { CHECK(n.value == count++); });
    r.server.serve("take", taking);
    CHECK(r.finish().code() == 3);
    CHECK(count == 2000);
    CHECK(r.is_clean());
}

TEST_CASE("an app that is killed ends its services, without a failure of theirs") {
    served_run r({"vanish", "9"});
    bool ended = false;
    r.server.serve("echo", [&ended](remora::pipe p) -> asio::awaitable<void> {
        return with_end(echo_service(std::move(p)), ended);
    });
    const auto result = r.finish();
    CHECK(result.code() == 137);
    CHECK(result.stopped_by == stop_step::none);
    CHECK(ended);
    CHECK(r.failures.empty());
    CHECK(r.is_clean());
}

TEST_CASE("many connections go to one name") {
    served_run r({"many", "50"});
    r.server.serve("echo", echo_service);
    CHECK(r.finish().code() == 0);
    CHECK(r.is_clean());
}

TEST_CASE("an app that needs a newer server is told so when it connects") {
    const auto code_with = [](std::uint32_t version) {
        remora::server_options options;
        options.version = version;
        served_run r({"needs", "echo"}, options);
        r.server.serve("echo", echo_service);
        const int got = r.finish().code();
        CHECK(r.is_clean());
        return got;
    };
    CHECK(code_with(0) == static_cast<int>(errc::version_mismatch));
    CHECK(code_with(2) == static_cast<int>(errc::version_mismatch));
    CHECK(code_with(3) == 0);
    CHECK(code_with(4) == 0);
}

TEST_CASE("an app can list what its server serves, however much that is") {
    served_run r({"lists"});
    std::vector<std::string> served{"report"}, listed;
    for (int i = 0; i != 600; ++i)
        served.push_back(std::to_string(i) + std::string(100, '.'));
    for (const auto& name : served)
        r.server.serve(name, echo_service);
    r.server.serve("report", [&](remora::pipe p) -> asio::awaitable<void> {
        while (const auto name = co_await p.next<text>())
            listed.push_back(name->value);
    });
    CHECK(r.finish().code() == 0);
    std::ranges::sort(served);
    CHECK(listed == served);
    CHECK(r.is_clean());
}

TEST_CASE("an unknown name is no_such_pipe, an absurd one bad_name") {
    const auto code_for = [](const std::string& name) {
        served_run r({"connects", name});
        r.server.serve("echo", echo_service);
        return r.finish().code();
    };
    CHECK(code_for("echo") == 0);
    CHECK(code_for("nothing") == static_cast<int>(errc::no_such_pipe));
    for (const std::string bad : {"", "../x", "a\nb"}) {
        CHECK(code_for(bad) == static_cast<int>(errc::bad_name));
    }
    CHECK(code_for(std::string(1024, 'x')) == static_cast<int>(errc::bad_name));
}

TEST_CASE("an app may wait for a name that is served later") {
    served_run r({"waits_for_name"});
    int connections = 0;
    r.on_event = [&](const remora::event& e) {
        if (e.kind != remora::event_kind::hello) return;
        asio::post(r.io, [&] {
            r.server.serve("late", [&](remora::pipe) -> asio::awaitable<void> {
                ++connections;
                co_return;
            });
        });
    };
    CHECK(r.finish().code() == 0);
    CHECK(connections == 1);
}

TEST_CASE("a service that throws ends its connection, and the server lives") {
    served_run r({"uses", "bad"});
    r.server.serve("bad", [](remora::pipe p) -> asio::awaitable<void> {
        co_await p.receive<number>();
        throw std::runtime_error("out of order");
    });
    CHECK(r.finish().code() == static_cast<int>(errc::service_failed));
    REQUIRE(r.failures.size() == 1);
    CHECK(r.failures[0] == "bad: out of order");
    r.start({"echo", "1"});
    r.server.serve("echo", echo_service);
    CHECK(r.finish().code() == 0);
}

TEST_CASE("accept gives one pipe, and connections wait for it") {
    served_run r({"uses", "one"});
    asio::co_spawn(r.io, accept_one(r.server, "one"), asio::detached);
    CHECK(r.finish().code() == 0);
    CHECK(r.is_clean());
}

TEST_CASE("a name that is accepted in a coroutine is known, however fast the app is") {
    served_run r({"uses", "one"});
    r.on_event = [](const remora::event& e) {
        if (e.kind == remora::event_kind::hello) await_word_of_app();
    };
    asio::co_spawn(r.io, accept_one(r.server, "one"), asio::detached);
    await_word_of_app();
    CHECK(r.finish().code() == 0);
    CHECK(r.is_clean());
}

// Calls `then` after so many turns of the context.
void after_turns(asio::io_context& io, int turns, std::function<void()> then) {
    if (turns == 0) return then();
    asio::post(io, [&io, turns, then] { after_turns(io, turns - 1, then); });
}

asio::awaitable<void> wait_for_cancel(asio::steady_timer& timer) {
    std::error_code ec;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ec));
}

// Accepts one connection, at the second attempt if the first one was given up.
asio::awaitable<void> accept_or_give_up(remora::server& server, asio::steady_timer& given_up) {
    using namespace asio::experimental::awaitable_operators;
    auto taken = co_await (server.accept("one") || wait_for_cancel(given_up));
    if (taken.index() == 1) co_return co_await accept_one(server, "one");
    const auto n = co_await std::get<0>(taken).receive<number>();
    co_await std::get<0>(taken).send(n);
}

TEST_CASE("an accept that is cancelled while a connection is on its way to it loses none") {
    served_run r({"uses", "one"});
    asio::io_context elsewhere;  // nobody runs it before the server has done what it does
    std::thread thread;
    asio::steady_timer given_up(elsewhere, std::chrono::steady_clock::time_point::max());
    r.on_event = [&](const remora::event& e) {
        if (e.kind != remora::event_kind::connected) return;
        given_up.cancel();
        after_turns(r.io, 20, [&] { thread = std::thread([&] { elsewhere.run_for(patience); }); });
    };
    asio::co_spawn(elsewhere, accept_or_give_up(r.server, given_up), asio::detached);
    elsewhere.poll();
    CHECK(r.finish().code() == 0);
    thread.join();
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

TEST_CASE("an app that never says hello is stopped after the start timeout") {
    remora::server_options options;
    options.start_timeout = 50ms;
    options.stop_timeout = 50ms;
    served_run r({"mute"}, options);
    const auto result = r.finish();
    CHECK(result.error == code(errc::start_timeout));
    CHECK(result.code() == 137);
    CHECK(result.stopped_by == stop_step::sigkill);
    CHECK(r.is_clean());
}

TEST_CASE("an app that exits before its hello has its code") {
    served_run r({"exit", "3"});
    const auto result = r.finish();
    CHECK(result.code() == 3);
    CHECK(!result.error);
    CHECK(r.is_clean());
}

TEST_CASE("terminate stops an app that listens at its first step") {
    served_run r({"waits"});
    r.server.serve("silent", [&r](remora::pipe p) -> asio::awaitable<void> {
        return stop_at_first_message(std::move(p), r.run());
    });
    const auto result = r.finish();
    CHECK(result.stopped_by == stop_step::goodbye);
    CHECK(result.code() == 143);
    CHECK(r.is_clean());
}

TEST_CASE("terminate gives each step the server's grace") {
    remora::server_options options;
    options.stop_timeout = std::chrono::milliseconds(50);
    served_run r({"spins"}, options);
    r.server.serve("silent", [&r](remora::pipe p) -> asio::awaitable<void> {
        co_await p.receive<number>();
        r.run().terminate();
        co_await p.next<number>();
    });
    CHECK(r.finish().stopped_by == stop_step::sigterm);
    CHECK(r.is_clean());
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

TEST_CASE("an app that is stopped acts on SIGTERM") {
    served_run r({"waits"});
    r.server.serve("silent", [&r](remora::pipe p) -> asio::awaitable<void> {
        co_await p.receive<number>();
        ::kill(r.run().pid(), SIGSTOP);
        r.run().terminate(500ms);
        co_await p.next<number>();
    });
    const auto result = r.finish();
    CHECK(result.stopped_by == stop_step::sigterm);
    CHECK(r.is_clean());
}

}  // namespace
