// SPDX-License-Identifier: MIT
// Apps that somebody else starts.
#include "server/raw_app.hpp"
#include "support/hosts.hpp"

#include <sys/stat.h>
#include <sys/utsname.h>

#include <fstream>
#include <set>

namespace {

using namespace test;
using remora::errc;
using remora::event_kind;
using remora::stop_step;

// Whether the kernel tells how a process has ended that is no child.
bool kernel_tells() {
    utsname name{};
    ::uname(&name);
    int major = 0, minor = 0;
    std::sscanf(name.release, "%d.%d", &major, &minor);
    return major > 6 || (major == 6 && minor >= 15);
}

remora::exit_status if_told(const remora::exit_status& status) {
    return kernel_tells() ? status : remora::exit_status{};
}

// A run whose app a shell of the test starts, by the command that the server tells.
class attached_run {
public:
    explicit attached_run(std::vector<std::string> arguments, remora::server_options options = {})
        : run(std::move(arguments), prepared(std::move(options))) {
        run.on_event = [this](const remora::event& e) {
            if (e.kind == event_kind::awaiting_app) come(e.text);
        };
    }
    /// After the run: how its app has ended, as its parent knows.
    remora::exit_status end_of_app() {
        const auto end = end_of(run.io, *app_);
        app_.reset();
        return end;
    }
    remora::child& app() { return *app_; }

private:
    static remora::server_options prepared(remora::server_options options) {
        options.attach = true;
        options.start_timeout = 0ns;  // it counts for nothing
        return options;
    }
    void come(const std::string& command) {
        app_.emplace(run.io.get_executor(),
                     remora::spawn_options{
                         .target = "/bin/sh",
                         .arguments = {"-c", (command.starts_with("cd ") ? "" : "exec ") + command},
                     });
    }

    std::optional<remora::child> app_;

public:
    served_run run;
};

std::string directory_in(const std::string& command) {
    const std::string option = "--remora.pipes=";
    const auto begin = command.find(option) + option.size();
    return command.substr(begin, command.find(' ', begin) - begin);
}

TEST_CASE("an app that somebody else starts is served, and its end is noticed") {
    attached_run r({"codes", "41"});
    CHECK(r.run.run().pid() == 0);
    r.run.server.serve("echo", echo_service);
    const auto result = r.run.finish();
    CHECK(r.run.run().pid() == r.app().pid());
    CHECK(r.end_of_app() == exited(41));
    CHECK(result.status == if_told(exited(41)));
    CHECK(!result.error);
    CHECK(r.run.is_clean());
}

TEST_CASE("an app that somebody else starts finds the server's shared memory") {
    attached_run r({"demands", "shared_memory"},
                   {.target = REMORA_TEST_APP, .transport = remora::transport_kind::shared_memory});
    std::optional<remora::transport_kind> used;
    r.run.server.serve("echo", [&used](remora::pipe p) {
        used = p.transport();
        return echo_service(std::move(p));
    });
    r.run.finish();
    CHECK(r.end_of_app() == exited(0));
    CHECK(used == remora::transport_kind::shared_memory);
    CHECK(r.run.is_clean());
}

TEST_CASE("with a name the command is the same in each run") {
    std::set<std::string> commands;
    for (int i = 0; i != 2; ++i) {
        attached_run r({"echo", "1"}, {.target = REMORA_TEST_APP, .attach_name = "ide"});
        r.run.server.serve("echo", echo_service);
        r.run.finish();
        CHECK(r.end_of_app() == exited(0));
        for (const auto& e : r.run.events)
            if (e.kind == event_kind::awaiting_app) commands.insert(e.text);
        CHECK(r.run.is_clean());
    }
    REQUIRE(commands.size() == 1);
    CHECK(*commands.begin() == REMORA_TEST_APP " --remora.pipes=" +
                                   (run_parent() / "remora-attach.ide echo 1").string());
}

TEST_CASE("a second server of that name is told who the first is") {
    served_run first({"echo", "1"}, {.target = REMORA_TEST_APP, .attach_name = "ide"});
    const auto failure_with = [](const std::string& name) {
        asio::io_context io;
        remora::server other{io, {.target = REMORA_TEST_APP, .attach_name = name}};
        return failure_of([&] { other.start(); });
    };
    CHECK(failure_with("ide").code == std::errc::address_in_use);
    CHECK(failure_with("ide").text.find("pid " + std::to_string(::getpid())) != std::string::npos);
    CHECK(failure_with("../ide").code == code(errc::bad_option));
    first.run().kill();
    first.finish();
    CHECK(first.is_clean());
}

TEST_CASE("an app goes to a fixed directory only if that is this user's alone") {
    const scratch parent;
    const auto path = parent.path / "remora-attach.ide", errors = parent.path / "errors";
    const auto end_of_app = [&](const std::string& directory) {
        std::filesystem::remove(errors);
        asio::io_context io;
        remora::child app(io.get_executor(),
                          {.target = REMORA_TEST_APP,
                           .arguments = {"--remora.pipes=" + directory, "echo", "1"},
                           .standard_error = errors});
        end_of(io, app);
        std::ifstream in(errors);
        return std::string(std::istreambuf_iterator<char>(in), {});
    };
    CHECK(end_of_app(path).find("no server waits for an app there") != std::string::npos);
    std::filesystem::create_directory(path);
    ::chmod(path.c_str(), 0755);
    CHECK(end_of_app(path).find("is not this user's alone") != std::string::npos);
    ::chmod(path.c_str(), 0700);
    std::filesystem::rename(path, parent.path / "other");
    std::filesystem::create_directory_symlink("other", path);
    CHECK(end_of_app(path).find("Not a directory") != std::string::npos);
    CHECK(end_of_app(path.string() + "/").find("Not a directory") != std::string::npos);
}

TEST_CASE("the command is fit for a shell") {
    const scratch directory;
    const auto target = directory.path / "it's \"the\" $app";
    std::filesystem::create_symlink(REMORA_TEST_APP, target);
    const std::vector<std::string> words{"a b", "it's", "\"$HOME\"", "", "*", "\\", "new\nline"};
    std::vector<std::string> arguments{"report"};
    arguments.insert(arguments.end(), words.begin(), words.end());
    attached_run r(arguments, {.target = target, .working_directory = directory.path.string()});
    std::vector<std::string> told;
    r.run.server.serve("report", [&told](remora::pipe p) {
        return collect<text>(std::move(p), [&told](const text& t) { told.push_back(t.value); });
    });
    r.run.finish();
    CHECK(r.end_of_app() == exited(0));
    CHECK(told == words);
}

TEST_CASE("the command has the environment and the launcher of the options") {
    const remora::spawn_options how{.target = "/app",
                                    .arguments = {"--remora.pipes=/run/remora-1"},
                                    .environment = {"A=b c"},
                                    .unset = {"GONE"},
                                    .working_directory = "/x y//./",
                                    .launcher = {"gdb", "--args"}};
    CHECK(remora::detail::shell_line(how) ==
          "cd '/x y' && env -u GONE 'A=b c' gdb --args /app --remora.pipes=/run/remora-1");
}

TEST_CASE("the death of an app that somebody else has started ends its services") {
    attached_run r({"vanish", "9"});
    bool ended = false;
    r.run.server.serve("echo", [&ended](remora::pipe p) -> asio::awaitable<void> {
        return with_end(echo_service(std::move(p)), ended);
    });
    CHECK(r.run.finish().status == if_told(signalled(SIGKILL)));
    CHECK(ended);
    CHECK(r.end_of_app() == signalled(SIGKILL));
    CHECK(r.run.is_clean());
}

TEST_CASE("a stop asks an app that somebody else has started to end") {
    attached_run r({"waits"});
    r.run.server.serve("silent", [&r](remora::pipe p) {
        return stop_at_first_message(std::move(p), r.run.run(), patience);
    });
    const auto result = r.run.finish();
    CHECK(result.stopped_by == stop_step::goodbye);
    CHECK(r.end_of_app() == exited(143));
    CHECK(r.run.is_clean());
}

TEST_CASE("an app that somebody else has started gets SIGTERM if it does not listen") {
    attached_run r({"spins"}, {.target = REMORA_TEST_APP, .stop_timeout = 50ms});
    r.run.server.serve("silent", [&r](remora::pipe p) -> asio::awaitable<void> {
        co_await p.receive<number>();
        r.run.run().terminate(50ms);
        co_await p.next<number>();
    });
    r.run.finish();
    CHECK(r.end_of_app() == signalled(SIGTERM));
}

TEST_CASE("an app that somebody else has started is not killed: the run ends without it") {
    for (const bool kills : {false, true}) {
        CAPTURE(kills);
        attached_run r({"deaf"});
        r.run.server.serve("silent", [&](remora::pipe p) -> asio::awaitable<void> {
            co_await p.receive<number>();
            kills ? r.run.run().kill() : r.run.run().terminate(10ms);
            co_await p.next<number>();
        });
        const auto result = r.run.finish();
        CHECK(result.status == remora::exit_status{});
        CHECK(result.stopped_by == stop_step::sigkill);
        CHECK(std::ranges::count(r.run.events, "let go", &remora::event::text) == 1);
        CHECK(result.text.find("has not ended, and is let go") != std::string::npos);
        CHECK(r.end_of_app() == exited(69));  // it sees that the server has gone
        CHECK(r.run.is_clean());
    }
}

TEST_CASE("a process that only is said to be the app is not signalled") {
    for (const bool own : {false, true}) {
        CAPTURE(own);
        const signal_action ignored(SIGTERM, SIG_IGN);
        served_run r({"echo", "1"}, {.target = REMORA_TEST_APP, .attach = true});
        remora::child bystander(r.io.get_executor(), our_child({"live"}));
        std::optional<raw_pipe> control;
        r.on_event = [&](const remora::event& e) {
            if (e.kind == event_kind::hello) r.run().terminate(10ms);
            if (e.kind != event_kind::awaiting_app) return;
            control.emplace(directory_in(e.text), "control");
            control->say(hello_bytes(1, 1, 0, own ? ::getpid() : bystander.pid()));
        };
        const auto result = r.finish();
        CHECK(result.stopped_by == stop_step::sigkill);
        CHECK(!bystander.status());
        CHECK(r.run().pid() == 0);
    }
}

TEST_CASE("the end of an app that cannot be known is that of its control pipe") {
    served_run r({"echo", "1"}, {.target = REMORA_TEST_APP, .attach = true});
    std::optional<raw_pipe> control;
    r.on_event = [&](const remora::event& e) {
        if (e.kind == event_kind::hello) control.reset();
        if (e.kind != event_kind::awaiting_app) return;
        control.emplace(directory_in(e.text), "control");
        control->say(hello_bytes());
    };
    const auto result = r.finish();
    CHECK(result.status == remora::exit_status{});
    CHECK(result.stopped_by == stop_step::none);
    CHECK(r.is_clean());
}

TEST_CASE("a stop while no app has come ends the run at once") {
    for (const bool kills : {false, true}) {
        served_run r({"echo", "1"}, {.target = REMORA_TEST_APP, .attach = true});
        r.on_event = [&](const remora::event& e) {
            if (e.kind != event_kind::awaiting_app) return;
            kills ? r.run().kill() : r.run().terminate(1h);
        };
        const auto result = r.finish();
        CHECK(result.error == code(errc::stopping));
        CHECK(result.text == "stopped while waiting for the app");
        CHECK(r.is_clean());
    }
}

TEST_CASE("REMORA_ATTACH=NAME is the name of the option") {
    host h({}, {"echo", "1"}, {"REMORA_ATTACH=from.outside"});
    const std::string line = h.line_with("awaiting app: ");
    CHECK(line.find("/remora-attach.from.outside ") != std::string::npos);
    h.kill(SIGTERM);
    CHECK(h.end() == exited(125));
}

TEST_CASE("REMORA_ATTACH=1 prints the command, and one Ctrl-C is enough") {
    for (const int signal : {SIGINT, SIGTERM}) {
        host h({}, {"echo", "1"}, {"REMORA_ATTACH=1"});
        const std::string line = h.line_with("awaiting app: ");
        h.kill(signal);
        CHECK(h.line_with("error") == "error: stopped while waiting for the app");
        CHECK(h.end() == exited(125));
        CHECK(h.errors().find("\n" + line.substr(14) + "\n") != std::string::npos);
    }
}

}  // namespace
