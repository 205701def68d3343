// SPDX-License-Identifier: MIT
#include <remora/process.hpp>

#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "process/children.hpp"

namespace fs = std::filesystem;
using remora::spawn_options;

namespace {

const std::string awkward = "a b=c \"d\" 'e' \\ $f \n é😀";

bool has_line(const std::string& text, const std::string& line) {
    return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

std::string output_either_way_of(const spawn_options& options) {
    const std::string text = test::output_of(options);
    std::string masked = test::output_of(test::by_fork(options));
    CHECK(masked == text);
    return text;
}

class current_directory {
public:
    explicit current_directory(const fs::path& path) : before_(fs::current_path()) {
        fs::current_path(path);
    }
    ~current_directory() { fs::current_path(before_); }

private:
    fs::path before_;
};

}  // namespace

TEST_CASE("the arguments arrive byte for byte, behind the target's absolute path") {
    const std::string target = REMORA_TEST_CHILD;
    CHECK(output_either_way_of(test::our_child({"arguments", "", awkward, "--x=y"})) ==
          target + "\narguments\n\n" + awkward + "\n--x=y\n");
}

TEST_CASE("the target's path may hold every character") {
    const test::scratch directory;
    const fs::path path = directory.path / awkward;
    fs::create_symlink(REMORA_TEST_CHILD, path);
    CHECK(output_either_way_of({.target = path, .arguments = {"arguments"}}) ==
          path.string() + "\narguments\n");
}

TEST_CASE("a relative target starts at the host's directory, also if the child gets another") {
    const test::scratch directory;
    fs::create_symlink(REMORA_TEST_CHILD, directory.path / "target");
    const current_directory here(directory.path);
    CHECK(output_either_way_of({.target = "target", .arguments = {"directory"}}) ==
          fs::canonical(directory.path).string() + "\n");
    CHECK(output_either_way_of(
              {.target = "target", .arguments = {"directory"}, .working_directory = "/"}) == "/\n");
}

TEST_CASE("the environment is inherited, with additions, replacements and removals") {
    ::setenv("REMORA_TEST_KEPT", "1", 1);
    ::setenv("REMORA_TEST_CHANGED", "1", 1);
    ::setenv("REMORA_TEST_GONE", "1", 1);
    auto options = test::our_child({"environment"});
    options.environment = {"REMORA_TEST_CHANGED=2=3", "REMORA_TEST_NEW=", "REMORA_TEST_A= b"};
    options.unset = {"REMORA_TEST_GONE"};
    const std::string text = "\n" + output_either_way_of(options);
    CHECK(has_line(text, "REMORA_TEST_KEPT=1"));
    CHECK(has_line(text, "REMORA_TEST_CHANGED=2=3"));
    CHECK(has_line(text, "REMORA_TEST_NEW="));
    CHECK(has_line(text, "REMORA_TEST_A= b"));
    CHECK(!has_line(text, "REMORA_TEST_CHANGED=1"));
    CHECK(!has_line(text, "REMORA_TEST_GONE=1"));
    for (const char* name : {"REMORA_TEST_KEPT", "REMORA_TEST_CHANGED", "REMORA_TEST_GONE"})
        ::unsetenv(name);
}

TEST_CASE("a launcher is looked up in PATH and gets the target and its arguments") {
    auto options = test::our_child({"environment"});
    options.launcher = {"env", "REMORA_TEST_LAUNCHED=1"};
    CHECK(has_line(output_either_way_of(options), "REMORA_TEST_LAUNCHED=1"));
}

TEST_CASE("every descriptor is closed in the child but the standard streams") {
    const remora::detail::unique_fd inheritable{::dup(0)};
    CHECK(output_either_way_of(test::our_child({"descriptors"})) == "0\n1\n2\n");
}

TEST_CASE("inherited descriptors get the wanted numbers, even if these are in use") {
    test::channel a, b;
    auto options = test::our_child({"descriptors"});
    options.inherit = {{a.in.get(), b.in.get()}, {b.in.get(), a.in.get()}};
    std::vector<int> numbers{0, 1, 2, a.in.get(), b.in.get()};
    std::sort(numbers.begin(), numbers.end());
    std::string expected;
    for (int number : numbers)
        expected += std::to_string(number) + "\n";
    CHECK(output_either_way_of(options) == expected);
}

TEST_CASE("the standard streams may be exchanged with others") {
    asio::io_context io;
    test::channel input, output, errors;
    auto options = test::our_child({"copy"});
    options.standard_input = input.out.get();
    options.standard_output = output.in.get();
    options.standard_error = errors.in.get();
    remora::child child(io.get_executor(), options);
    CHECK(::write(input.in.get(), "hello", 5) == 5);
    input.in.reset();
    CHECK(output.drain() == "hello");
    CHECK(errors.drain().empty());
    CHECK(test::end_of(io, child) == test::exited(0));
}

TEST_CASE("a standard stream that the host has closed is the null device in the child") {
    const test::closed_stream input(0), errors(2);
    CHECK(output_either_way_of(test::our_child({"streams"})) == "/dev/null\npipe\n/dev/null\n");
}

TEST_CASE("a standard stream that does not survive exec is the null device in the child") {
    const test::closed_stream input(0);
    const int taken = ::open("/", O_RDONLY | O_CLOEXEC);  // as Asio does, in a host without streams
    CHECK(output_either_way_of(test::our_child({"streams"})).starts_with("/dev/null\n"));
    ::close(taken);
}

TEST_CASE("a descriptor that is owned is never a standard stream's") {
    const test::closed_stream input(0), errors(2);
    remora::detail::unique_fd one{::open("/dev/null", O_RDONLY | O_CLOEXEC)}, other;
    other.reset(::open("/dev/null", O_RDONLY));
    CHECK(one.get() > 2);
    CHECK(other.get() > 2);
    CHECK((::fcntl(one.get(), F_GETFD) & FD_CLOEXEC) != 0);
    CHECK(::fcntl(0, F_GETFD) < 0);
}

TEST_CASE("a child whose input is the null device reads its end") {
    auto options = test::our_child({"copy"});
    options.standard_input = remora::null_device;
    CHECK(output_either_way_of(options).empty());
}

TEST_CASE("an inherited nohup stays, SIGPIPE and SIGCHLD are at their default in the child") {
    const test::signal_action nohup(SIGHUP, SIG_IGN);
    const test::signal_action pipe(SIGPIPE, SIG_IGN);
    const test::signal_action child(SIGCHLD, SIG_IGN);
    const test::blocked_signal blocked(SIGCHLD);
    const std::string text = output_either_way_of(test::our_child({"signals"}));
    CHECK(has_line(text, "ignored " + std::to_string(SIGHUP)));
    CHECK(!has_line(text, "ignored " + std::to_string(SIGPIPE)));
    CHECK(!has_line(text, "ignored " + std::to_string(SIGCHLD)));
    CHECK(!has_line(text, "blocked " + std::to_string(SIGCHLD)));
}

TEST_CASE("what the host handles is reset in the child, and no signal is blocked there") {
    const test::signal_action ignored(SIGTERM, SIG_IGN);
    const test::blocked_signal term(SIGTERM);
    const test::blocked_signal user(SIGUSR1);
    auto options = test::our_child({"signals"});
    options.handled_signals = {SIGTERM};
    const std::string text = output_either_way_of(options);
    CHECK(!has_line(text, "ignored " + std::to_string(SIGTERM)));
    CHECK(text.find("blocked") == text.npos);
}

TEST_CASE("the child has the umask and the limits that it is given, and the host keeps its own") {
    rlimit before{}, after{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    auto options = test::our_child({"surroundings"});
    options.umask = 027;
    options.resource_limits = {{RLIMIT_NOFILE, 20, 30}, {RLIMIT_CORE, 0, 0}};
    const std::string text = test::output_of(options);
    CHECK(has_line(text, "umask 027"));
    CHECK(has_line(text, "files 20 30"));
    ::getrlimit(RLIMIT_NOFILE, &after);
    CHECK(after.rlim_cur == before.rlim_cur);
    CHECK(test::by_fork({}).umask != 027u);
}

TEST_CASE("a child has the host's group, one of its own, or a session of its own") {
    auto options = test::our_child({"surroundings"});
    CHECK(has_line(output_either_way_of(options), "leads group 0"));
    options.group = remora::process_group::own;
    CHECK(has_line(output_either_way_of(options), "leads group 1"));
    CHECK(has_line(output_either_way_of(options), "leads session 0"));
    options.group = remora::process_group::session;
    CHECK(has_line(output_either_way_of(options), "leads session 1"));
}

TEST_CASE("a child that is copied from a host that handles signals has none of the handlers") {
    const test::signal_action mine(SIGUSR1, [](int) {});
    const test::signal_action ignored(SIGUSR2, SIG_IGN);
    const std::string text = output_either_way_of(test::our_child({"signals"}));
    CHECK(has_line(text, "ignored " + std::to_string(SIGUSR2)));
    CHECK(!has_line(text, "ignored " + std::to_string(SIGUSR1)));
}
