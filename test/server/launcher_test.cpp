// SPDX-License-Identifier: MIT
// What a server's app finds when it starts: the launcher, the environment, the log.
#include "support/hosts.hpp"

#include <fstream>

namespace {

using namespace test;

remora::server_options launched_by(std::vector<std::string> launcher) {
    remora::server_options options;
    options.launcher = std::move(launcher);
    return options;
}

int code_through(const std::vector<std::string>& launcher) {
    served_run r({"codes", "41"}, launched_by(launcher));
    r.server.serve("echo", echo_service);
    const auto result = r.finish();
    CHECK(r.is_clean());
    return result.code();
}

// A program that runs its arguments and adds one to their exit code.
std::filesystem::path write_launcher(const std::filesystem::path& path,
                                     const std::string& start = "") {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << "#!/bin/sh\n" << start << " \"$@\"\nexit $(($? + 1))\n";
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    return path;
}

TEST_CASE("a launcher starts the target, whatever its path looks like") {
    const scratch directory;
    CHECK(code_through({"env"}) == 41);
    CHECK(code_through({"env", "A=b c"}) == 41);
    CHECK(code_through({write_launcher(directory.path / "the \"first\" one" / "a launcher")}) ==
          42);
}

TEST_CASE("an app behind a launcher that forks is stopped with it") {
    const scratch directory;
    const std::string launcher = write_launcher(directory.path / "launcher");
    for (const std::string how : {"", "group", "refuses=pidfd_send_signal"}) {
        CAPTURE(how);
        const orphanage all;
        host h({"stop_timeout=20", how}, {"deaf"}, {"REMORA_LAUNCHER=" + launcher});
        CHECK(result_after(h, {SIGTERM}) == "result: killed by SIGTERM (15), stopped by SIGKILL");
        CHECK(h.end() == exited(143));
        CHECK(orphanage::ends() == std::vector{signalled(SIGKILL)});
    }
}

TEST_CASE("an app that a deaf launcher has moved into another group is killed with it") {
    const scratch directory;
    const std::string launcher =
        write_launcher(directory.path / "launcher", "trap '' TERM; setsid");
    const orphanage all;
    host h({"stop_timeout=20", "group"}, {"deaf"}, {"REMORA_LAUNCHER=" + launcher});
    CHECK(result_after(h, {SIGTERM}) == "result: killed by SIGKILL (9), stopped by SIGKILL");
    CHECK(h.end() == exited(137));
    // None, if the dying launcher has reaped it.
    CHECK(
        std::ranges::all_of(orphanage::ends(), [](auto end) { return end == signalled(SIGKILL); }));
}

TEST_CASE("server_options say what the app finds when it starts") {
    ::setenv("REMORA_TEST_GONE", "1", 1);
    channel output;
    remora::server_options options;
    options.launcher = {"sh", "-c", "env; umask; ulimit -n; exec \"$@\"", "sh"};
    options.standard_output = output.in.get();
    options.environment = {"REMORA_TEST_NEW=1 2"};
    options.unset = {"REMORA_TEST_GONE"};
    options.umask = 027;
    options.resource_limits = {{RLIMIT_NOFILE, 200, 300}};
    served_run r({"echo", "1"}, options);
    r.server.serve("echo", echo_service);
    CHECK(r.finish().code() == 0);
    const std::string text = output.drain();
    CHECK(text.find("\nREMORA_TEST_NEW=1 2\n") != text.npos);
    CHECK(text.find("REMORA_TEST_GONE") == text.npos);
    CHECK(text.ends_with("\n0027\n200\n"));
    ::unsetenv("REMORA_TEST_GONE");
}

TEST_CASE("REMORA_LAUNCHER is a launcher for those who have none") {
    const scratch directory;
    const std::string launcher = write_launcher(directory.path / "launcher");
    ::setenv("REMORA_LAUNCHER", (launcher + "  " + launcher).c_str(), 1);
    CHECK(code_through({}) == 43);
    CHECK(code_through({"env"}) == 41);
    ::unsetenv("REMORA_LAUNCHER");
}

TEST_CASE("an app behind a launcher has no start timeout") {
    auto options = launched_by({"env"});
    options.start_timeout = 0ns;
    served_run r({"echo", "1"}, options);
    r.server.serve("echo", echo_service);
    const auto result = r.finish();
    CHECK(result.code() == 0);
    CHECK(!result.error);
}

TEST_CASE("a launcher that cannot be found is named") {
    served_run r({"echo", "1"});
    r.server.serve("echo", echo_service);
    CHECK(r.finish().code() == 0);
    remora::server other{r.io,
                         {.target = REMORA_TEST_APP, .launcher = {"no_such_launcher_anywhere"}}};
    CHECK(failure_of([&] { other.start(); }).has("no_such_launcher_anywhere"));
    CHECK(r.is_clean());
}

// As the manual has them.
struct recipe {
    std::string tool;
    std::vector<std::string> launcher;
};
recipe debugger(const std::filesystem::path& script) {
    std::ofstream(script) << "run\nif $_isvoid($_exitcode)\nbt 5\nend\n";
    return {"gdb", {"gdb", "-q", "--batch", "--return-child-result", "-x", script, "--args"}};
}
const std::vector<recipe> recipes{
    {"valgrind", {"valgrind", "-q", "--error-exitcode=99"}},
    {"strace", {"strace", "-f", "-o", "/dev/null"}},
    {"bubblewrap",
     {"sh", "-c",
      "exec bwrap --unshare-all --die-with-parent --proc /proc --dev /dev "
      "--ro-bind /usr /usr --symlink usr/lib /lib --symlink usr/lib64 /lib64 "
      "--ro-bind \"$1\" \"$1\" --bind \"$REMORA_PIPES\" \"$REMORA_PIPES\" \"$@\"",
      "sh"}},
};

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define REMORA_TEST_SANITIZED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define REMORA_TEST_SANITIZED
#endif
#ifdef REMORA_TEST_SANITIZED
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

// Whether it can start an app here: a tool may be missing, not be permitted to trace, or not get on
// with a sanitizer; under valgrind a program with one may even hang. Without a server the app
// returns 69.
bool is_usable(const recipe& how) {
    if (sanitized && how.tool == "valgrind") return false;
    const scratch directory;
    remora::spawn_options options{.target = REMORA_TEST_APP,
                                  .arguments = {"codes", "1"},
                                  .environment = {"REMORA_PIPES=" + directory.path.string()},
                                  .launcher = how.launcher,
                                  .standard_output = remora::null_device,
                                  .standard_error = remora::null_device};
    try {
        asio::io_context io;
        remora::child probe(io.get_executor(), options);
        return end_of(io, probe) == exited(69);
    } catch (const std::system_error&) {
        return false;
    }
}

TEST_CASE("debuggers, tracers and a sandbox start the app, as the manual says") {
    const scratch directory;
    auto all = recipes;
    all.push_back(debugger(directory.path / "rc.gdb"));
    for (const recipe& how : all) {
        CAPTURE(how.tool);
        if (!is_usable(how)) {
            MESSAGE("skipped: ", how.tool, " cannot start an app here");
            continue;
        }
        auto options = launched_by(how.launcher);
        options.standard_output = remora::null_device;
        options.standard_error = remora::null_device;
        served_run r({"codes", "41"}, options);
        r.server.serve("echo", echo_service);
        const auto result = r.finish();
        CHECK(result.code() == 41);
        CHECK(!result.error);
        CHECK(r.is_clean());
    }
}

TEST_CASE("a debugger without a user shows where an app has crashed, as the manual says") {
    const scratch directory;
    const recipe how = debugger(directory.path / "rc.gdb");
    if (!is_usable(how)) {
        MESSAGE("skipped: ", how.tool, " cannot start an app here");
        return;
    }
    auto options = launched_by(how.launcher);
    int frames = 0;
    options.standard_output = [&frames](std::string_view line) { frames += line.starts_with('#'); };
    options.standard_error = remora::null_device;
    served_run r({"vanish", std::to_string(SIGSEGV)}, options);
    r.server.serve("echo", echo_service);
    CHECK(r.finish().code() == 255);
    CHECK(frames == 5);
}

TEST_CASE("an app in a sandbox has the server's shared memory, and no network and files") {
    const recipe& sandbox = recipes.back();
    if (!is_usable(sandbox)) {
        MESSAGE("skipped: ", sandbox.tool, " cannot start an app here");
        return;
    }
    std::vector<std::string> found;
    auto options = launched_by(sandbox.launcher);
    options.transport = remora::transport_kind::shared_memory;
    served_run r({"looks"}, options);
    r.server.serve("report", [&found](remora::pipe p) {
        return collect<text>(std::move(p), [&found](const text& t) { found.push_back(t.value); });
    });
    CHECK(r.finish().code() == 0);
    for (const std::string line : {"/etc", "/home", "/root"})
        CHECK(std::ranges::count(found, line) == 0);
    CHECK(std::ranges::count(found, "/usr") == 1);
    CHECK(std::ranges::count_if(found, [](const std::string& line) {
              return line.find(':') != line.npos;  // of an interface
          }) == 1);
    CHECK(r.is_clean());
}

TEST_CASE("REMORA_LOG=debug shows what server and app do") {
    host h({}, {"echo", "1"}, {"REMORA_LOG=debug"});
    CHECK(h.end() == exited(0));
    const std::string log = h.errors();
    for (const std::string part :
         {"remora server[", "]: started pid ", "]: hello pid ", "remora client[",
          "]: connected pipe \"echo\" #1", "]: closed pipe \"echo\" #1", "]: app ended pid "}) {
        CAPTURE(part);
        CHECK(log.find(part) != std::string::npos);
    }
}

TEST_CASE("a REMORA_LOG that is none is told, by server and app") {
    host h({}, {"echo", "1"}, {"REMORA_LOG=verbose"});
    CHECK(h.end() == exited(0));
    const std::string line = "remora: REMORA_LOG is \"verbose\"; there is only debug\n";
    CHECK(h.errors() == line + line);
}

TEST_CASE("without REMORA_LOG nothing is written to stderr") {
    host h({}, {"echo", "1"});
    CHECK(h.end() == exited(0));
    CHECK(h.errors().empty());
}

}  // namespace
