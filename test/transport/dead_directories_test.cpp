// SPDX-License-Identifier: MIT
// What dead servers have left behind, and its removal.
#include "transport/run_directory.hpp"

#include <sys/file.h>
#include <sys/stat.h>

#include <fstream>

#include "process/children.hpp"
#include "support/as_nobody.hpp"

namespace fs = std::filesystem;
using remora::detail::run_directory;

namespace {

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

}  // namespace

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

TEST_CASE("sweeping removes the socket of a dead server, and no other file of that name") {
    const test::scratch parent;
    const fs::path dead = make_dead(parent.path, dead_name(0));
    const fs::path file = make_dead(parent.path, dead_name(1));
    run_directory living(parent.path);
    const auto socket = living.listen("inspect");
    fs::rename(living.path() / "inspect", dead / "inspect");
    REQUIRE(fs::is_socket(dead / "inspect"));
    std::ofstream(file / "inspect") << "text";
    run_directory::sweep(parent.path);
    CHECK(!fs::exists(dead));
    CHECK(fs::exists(file / "inspect"));
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

TEST_CASE("another user can neither sweep nor enter a run directory" * test::needs_root) {
    const test::scratch parent;
    fs::permissions(parent.path, fs::perms::all);
    const fs::path dead = make_dead(parent.path, dead_name(0));
    fs::permissions(dead, fs::perms::all);
    run_directory living(parent.path);
    living.make_fifo("a");
    const auto result = test::as_nobody([&] {
        run_directory::sweep(parent.path);
        return ::open((living.path() / "a").c_str(), O_RDONLY | O_NONBLOCK) < 0 ? 0 : 1;
    });
    CHECK(result == 0);
    CHECK(fs::is_fifo(dead / "control.up"));
}
