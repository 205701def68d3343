// SPDX-License-Identifier: MIT
#include "transport/run_directory.hpp"

#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <optional>

#include "process/children.hpp"
#include "support/as_nobody.hpp"
#include "support/looking.hpp"

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

TEST_CASE("a socket is private whatever the umask, and gone in the end") {
    const test::scratch parent;
    for (mode_t mask : {0000, 0777, 0022}) {
        const mode_t before = ::umask(mask);
        run_directory directory(parent.path);
        const unique_fd socket = directory.listen("inspect");
        ::umask(before);
        CHECK(mode_of(directory.path() / "inspect") == 0600);
        CHECK(test::connect_to(directory.path()));
        CHECK_THROWS_AS(directory.listen("inspect"), remora::error);
    }
    CHECK(fs::is_empty(parent.path));
}

TEST_CASE("a socket is found however long the path of its directory is") {
    const test::scratch parent;
    const fs::path far = parent.path / std::string(100, 'a') / std::string(100, 'b');
    fs::create_directories(far);
    {
        run_directory directory(far);
        const unique_fd socket = directory.listen("inspect");
        CHECK(fs::is_socket(directory.path() / "inspect"));
        CHECK(test::connect_to(directory.path()));
    }
    CHECK(fs::is_empty(far));
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

TEST_CASE("a directory with a fixed name takes the place of a dead one, and not of a living one") {
    const test::scratch parent;
    const fs::path path = parent.path / "remora-attach.ide";
    for (int run = 0; run != 2; ++run) {
        std::optional<run_directory> first(std::in_place, parent.path, "ide");
        CHECK(first->path() == path);
        const auto failure = test::failure_of([&] { run_directory(parent.path, "ide"); });
        CHECK(failure.code == std::errc::address_in_use);
        CHECK(failure.text.find("pid " + std::to_string(::getpid())) != std::string::npos);
        CHECK(run_directory(parent.path, "other").path() != path);
        first.reset();
        CHECK(fs::is_empty(parent.path));
        fs::create_directory(path);
        ::chmod(path.c_str(), 0700);
        REQUIRE(::mkfifo((path / "1.up").c_str(), 0600) == 0);
    }
}

TEST_CASE("what is no directory of this user's server is left alone at a fixed name") {
    const test::scratch parent, elsewhere;
    const fs::path path = parent.path / "remora-attach.ide";
    const auto code = [&] {
        return test::failure_of([&] { run_directory(parent.path, "ide"); }).code;
    };
    fs::create_directory_symlink(elsewhere.path, path);
    CHECK(code() == std::errc::file_exists);
    CHECK(fs::is_symlink(path));
    fs::remove(path);
    std::ofstream(path) << "text";
    CHECK(code() == std::errc::file_exists);
    fs::remove(path);
    fs::create_directory(path);
    ::chmod(path.c_str(), 0700);
    std::ofstream(path / "file") << "text";
    CHECK(code() == std::errc::file_exists);
    CHECK(fs::exists(path / "file"));
}

TEST_CASE("a directory of another user at a fixed name is left alone" * test::needs_root) {
    const test::scratch parent;
    const fs::path path = parent.path / "remora-attach.ide";
    fs::create_directory(path);
    ::chmod(path.c_str(), 0700);
    REQUIRE(::chown(path.c_str(), 65534, 65534) == 0);
    const auto failure = test::failure_of([&] { run_directory(parent.path, "ide"); });
    CHECK(failure.code == std::errc::file_exists);
    CHECK(failure.text.find("is not this user's") != std::string::npos);
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

TEST_CASE("a FIFO of another user is not opened" * test::needs_root) {
    const test::scratch parent;
    run_directory directory(parent.path);
    directory.make_fifo("a");
    REQUIRE(::chown((directory.path() / "a").c_str(), 65534, 65534) == 0);
    const auto failure = test::failure_of([&] { open_fifo(directory.fd(), "a", O_RDONLY); });
    CHECK(failure.code == std::errc::operation_not_permitted);
}
