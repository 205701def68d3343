// SPDX-License-Identifier: MIT
#include "transport/run_directory.hpp"

#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <optional>

#include "process/children.hpp"

namespace fs = std::filesystem;
using remora::detail::open_fifo;
using remora::detail::run_directory;
using remora::detail::unique_fd;

namespace {

int mode_of(const fs::path& path) {
    struct stat info{};
    REQUIRE(::lstat(path.c_str(), &info) == 0);
    return info.st_mode & 07777;
}

std::string dead_name(int number) {
    return "remora-D" + std::to_string(10000 + number);
}

// What a killed server leaves: a directory that nobody has locked.
fs::path make_dead(const fs::path& parent, const std::string& name) {
    const fs::path path = parent / name;
    REQUIRE(::mkdir(path.c_str(), 0700) == 0);
    REQUIRE(::mkfifo((path / "control.up").c_str(), 0600) == 0);
    return path;
}

// How many entries a reader of the directory meets before this one.
int position_of(const fs::path& parent, const fs::path& path) {
    int position = 0;
    for (const auto& each : fs::directory_iterator(parent)) {
        if (each.path() == path) break;
        ++position;
    }
    return position;
}

class environment_variable {
public:
    environment_variable(const char* name, const std::string& value) : name_(name) {
        if (const char* before = std::getenv(name)) before_ = before;
        ::setenv(name, value.c_str(), 1);
    }
    ~environment_variable() { before_ ? ::setenv(name_, before_->c_str(), 1) : ::unsetenv(name_); }

private:
    const char* name_;
    std::optional<std::string> before_;
};

const auto needs_root = doctest::skip(::geteuid() != 0);

// Runs a check as another user, in a process of its own, and returns its exit code.
template <class Check>
int as_nobody(Check check) {
    const pid_t pid = ::fork();
    if (pid == 0) ::_exit(::setgid(65534) == 0 && ::setuid(65534) == 0 ? check() : 99);
    int word = 0;
    while (::waitpid(pid, &word, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(word) ? WEXITSTATUS(word) : 98;
}

}  // namespace

TEST_CASE("a run directory is private, locked, and gone in the end") {
    const test::scratch parent;
    fs::path path;
    {
        run_directory directory(parent.path);
        path = directory.path();
        CHECK(path.parent_path() == parent.path);
        CHECK(path.filename().string().starts_with("remora-"));
        CHECK(mode_of(path) == 0700);
        const unique_fd other{::open(path.c_str(), O_RDONLY)};
        CHECK(::flock(other.get(), LOCK_EX | LOCK_NB) < 0);
        directory.make_fifo("a");
        directory.make_fifo("b");
        directory.unlink("a");
        directory.unlink("a");
        CHECK(!fs::exists(path / "a"));
        CHECK(fs::is_fifo(path / "b"));
    }
    CHECK(fs::is_empty(parent.path));
}

TEST_CASE("directory and FIFOs are private whatever the umask") {
    const test::scratch parent;
    for (mode_t mask : {0000, 0777, 0022}) {
        const mode_t before = ::umask(mask);
        run_directory directory(parent.path);
        directory.make_fifo("a");
        ::umask(before);
        CHECK(mode_of(directory.path()) == 0700);
        CHECK(mode_of(directory.path() / "a") == 0600);
    }
}

TEST_CASE("a run directory may be moved") {
    const test::scratch parent;
    run_directory one(parent.path);
    run_directory two(parent.path);
    const fs::path path = two.path();
    one = std::move(two);
    CHECK(one.path() == path);
    CHECK(std::distance(fs::directory_iterator(parent.path), {}) == 1);
    const run_directory three(std::move(one));
    CHECK(fs::exists(path));
}

TEST_CASE("a FIFO whose name is taken is an error that names it") {
    const test::scratch parent;
    run_directory directory(parent.path);
    directory.make_fifo("a");
    const auto failure = test::failure_of([&] { directory.make_fifo("a"); });
    CHECK(failure.code == std::errc::file_exists);
    CHECK(failure.has((directory.path() / "a").string()));
}

TEST_CASE("a directory that cannot be made is an error that names it") {
    const auto failure = test::failure_of([] { run_directory directory("/no/parent"); });
    CHECK(failure.code == std::errc::no_such_file_or_directory);
    CHECK(failure.has("/no/parent/remora-"));
}

TEST_CASE("a directory that cannot be opened is not left behind") {
    const test::scratch parent;
    const auto failure = test::failure_of([&] {
        const test::no_more_descriptors none;
        run_directory directory(parent.path);
    });
    CHECK(failure.code == std::errc::too_many_files_open);
    CHECK(fs::is_empty(parent.path));
}

TEST_CASE("what stands at the path of a directory that was replaced is left alone") {
    const test::scratch parent;
    fs::path path;
    {
        const run_directory directory(parent.path);
        path = directory.path();
        fs::rename(path, parent.path / "moved");
        fs::create_directory(path);
    }
    CHECK(fs::exists(path));
}

TEST_CASE("the parent is XDG_RUNTIME_DIR if it is usable, else TMPDIR, else /tmp") {
    const test::scratch runtime, temporary;
    const environment_variable tmpdir("TMPDIR", temporary.path);
    const environment_variable xdg("XDG_RUNTIME_DIR", runtime.path);
    CHECK(run_directory::default_parent() == runtime.path);
    ::setenv("XDG_RUNTIME_DIR", "/no/directory", 1);
    CHECK(run_directory::default_parent() == temporary.path);
    ::setenv("XDG_RUNTIME_DIR", ".", 1);
    CHECK(run_directory::default_parent() == temporary.path);
    ::unsetenv("XDG_RUNTIME_DIR");
    ::setenv("TMPDIR", "/etc/passwd", 1);
    CHECK(run_directory::default_parent() == "/tmp");
    ::unsetenv("TMPDIR");
    CHECK(run_directory::default_parent() == "/tmp");
}

TEST_CASE("sweeping removes the dead and leaves the living") {
    const test::scratch parent;
    for (int i = 0; i < 1000; ++i)
        make_dead(parent.path, dead_name(i));
    std::vector<run_directory> living;
    for (int i = 0; i < 10; ++i)
        living.emplace_back(parent.path).make_fifo("a");
    run_directory::sweep(parent.path);
    CHECK(std::distance(fs::directory_iterator(parent.path), {}) == 10);
    for (const run_directory& each : living)
        CHECK(fs::is_fifo(each.path() / "a"));
}

TEST_CASE("sweeping stops when its time is over, and goes on the next time") {
    const test::scratch parent;
    for (int i = 0; i < 3; ++i)
        make_dead(parent.path, dead_name(i));
    for (std::ptrdiff_t left = 3; left != 0;) {
        run_directory::sweep(parent.path, std::chrono::nanoseconds(0));
        CHECK(std::distance(fs::directory_iterator(parent.path), {}) == --left);
    }
}

TEST_CASE("sweeping stops in time also where nothing can be removed") {
    const test::scratch parent;
    std::vector<run_directory> living;
    for (int i = 0; i < 10; ++i)
        living.emplace_back(parent.path);
    const fs::path dead = make_dead(parent.path, dead_name(0));
    const auto before = position_of(parent.path, dead);
    run_directory::sweep(parent.path, std::chrono::nanoseconds(0));
    CHECK(fs::exists(dead) == (before != 0));
}

TEST_CASE("sweeping stops in time also among files of others") {
    const test::scratch parent;
    const fs::path dead = make_dead(parent.path, dead_name(0));
    for (int i = 0; i < 20000; ++i)
        std::ofstream(parent.path / ("other" + std::to_string(i)));
    const auto before = position_of(parent.path, dead);
    run_directory::sweep(parent.path, std::chrono::nanoseconds(0));
    if (before > 2048) CHECK(fs::exists(dead));  // where it lies is the file system's choice
    run_directory::sweep(parent.path);
    CHECK(!fs::exists(dead));
}

TEST_CASE("sweeping touches only directories of exactly its names") {
    const test::scratch parent;
    for (const std::string name : {"other-dead00", "remora-backups", "remora-five5", "remora-",
                                   "remora-a.bcde", "remora-a bcde", "Remora-abcdef"}) {
        CAPTURE(name);
        const fs::path other = make_dead(parent.path, name);
        run_directory::sweep(parent.path);
        CHECK(!run_directory::remove_dead(other));
        CHECK(fs::is_fifo(other / "control.up"));
    }
    std::ofstream(parent.path / "remora-plain0") << "text";
    run_directory::sweep(parent.path);
    CHECK(fs::exists(parent.path / "remora-plain0"));
    run_directory::sweep("/no/parent");
}

TEST_CASE("sweeping touches nothing where there is anything but FIFOs of pipes") {
    const test::scratch parent;
    const fs::path file = make_dead(parent.path, "remora-withfi");
    std::ofstream(file / "1.up") << "text";
    const fs::path fifo = make_dead(parent.path, "remora-backup");
    REQUIRE(::mkfifo((fifo / "a").c_str(), 0600) == 0);
    const fs::path open = parent.path / "remora-public";
    REQUIRE(::mkdir(open.c_str(), 0755) == 0);
    run_directory::sweep(parent.path);
    CHECK(fs::is_fifo(file / "control.up"));
    CHECK(fs::is_fifo(fifo / "control.up"));
    CHECK(fs::is_fifo(fifo / "a"));
    CHECK(fs::exists(open));
}

TEST_CASE("sweeping follows no link") {
    const test::scratch parent, elsewhere;
    const fs::path victim = make_dead(elsewhere.path, "remora-victim");
    fs::create_directory_symlink(victim, parent.path / "remora-link00");
    const fs::path dead = make_dead(parent.path, dead_name(0));
    fs::create_symlink(victim / "control.up", dead / "link");
    run_directory::sweep(parent.path);
    CHECK(!run_directory::remove_dead(parent.path / "remora-link00"));
    CHECK(fs::is_fifo(victim / "control.up"));
    CHECK(fs::is_symlink(parent.path / "remora-link00"));
    CHECK(fs::is_symlink(dead / "link"));
}

TEST_CASE("the directory of a dead server is removed, that of a living one is not") {
    const test::scratch parent;
    const run_directory living(parent.path);
    const fs::path dead = make_dead(parent.path, dead_name(0));
    CHECK(!run_directory::remove_dead(living.path()));
    CHECK(fs::exists(living.path()));
    CHECK(run_directory::remove_dead(dead));
    CHECK(!fs::exists(dead));
    CHECK(run_directory::remove_dead(dead));
    CHECK(!run_directory::remove_dead("/etc"));
}

TEST_CASE("another user can neither sweep nor enter a run directory" * needs_root) {
    const test::scratch parent;
    fs::permissions(parent.path, fs::perms::all);
    const fs::path dead = make_dead(parent.path, dead_name(0));
    fs::permissions(dead, fs::perms::all);
    run_directory living(parent.path);
    living.make_fifo("a");
    const auto result = as_nobody([&] {
        run_directory::sweep(parent.path);
        return ::open((living.path() / "a").c_str(), O_RDONLY | O_NONBLOCK) < 0 ? 0 : 1;
    });
    CHECK(result == 0);
    CHECK(fs::is_fifo(dead / "control.up"));
}

TEST_CASE("a FIFO is opened without blocking and not inherited") {
    const test::scratch parent;
    run_directory directory(parent.path);
    directory.make_fifo("a");
    CHECK(test::failure_of([&] { open_fifo(directory.fd(), "a", O_WRONLY); }).code ==
          std::errc::no_such_device_or_address);
    const unique_fd reader = open_fifo(directory.fd(), "a", O_RDONLY);
    const unique_fd writer = open_fifo(directory.fd(), "a", O_WRONLY);
    CHECK((::fcntl(reader.get(), F_GETFL) & O_NONBLOCK) != 0);
    CHECK((::fcntl(reader.get(), F_GETFD) & FD_CLOEXEC) != 0);
    CHECK(::write(writer.get(), "x", 1) == 1);
}

TEST_CASE("what is not a FIFO of ours is not opened as one") {
    const test::scratch parent;
    run_directory directory(parent.path);
    directory.make_fifo("a");
    fs::create_symlink("a", directory.path() / "link");
    std::ofstream(directory.path() / "file") << "text";
    const auto code_of = [&](const char* name) {
        return test::failure_of([&] { open_fifo(directory.fd(), name, O_RDONLY); }).code;
    };
    CHECK(code_of("link") == std::errc::too_many_symbolic_link_levels);
    CHECK(code_of("file") == std::errc::operation_not_permitted);
    CHECK(code_of("missing") == std::errc::no_such_file_or_directory);
    fs::remove(directory.path() / "link");
    fs::remove(directory.path() / "file");
}

TEST_CASE("a FIFO of another user is not opened" * needs_root) {
    const test::scratch parent;
    run_directory directory(parent.path);
    directory.make_fifo("a");
    REQUIRE(::chown((directory.path() / "a").c_str(), 65534, 65534) == 0);
    const auto failure = test::failure_of([&] { open_fifo(directory.fd(), "a", O_RDONLY); });
    CHECK(failure.code == std::errc::operation_not_permitted);
}
