// SPDX-License-Identifier: MIT
// Children whose end is hard to notice: somebody else reaps them, SIGCHLD is the host's, or there
// are no pidfds.
#include <remora/process.hpp>

#include <atomic>

#include "process/children.hpp"

using remora::child;
using test::end_of;
using test::exited;
using test::no_child_is_left;
using test::no_more_descriptors;
using test::signalled;

namespace {

std::atomic<int> handled = 0;

void count_signal(int) {
    ++handled;
}

}  // namespace

TEST_CASE("the status is unknown when somebody else has reaped the child") {
    asio::io_context io;
    child child(io.get_executor(), test::our_child({"exit", "3"}));
    while (::waitpid(child.pid(), nullptr, 0) < 0 && errno == EINTR) {
    }
    CHECK(end_of(io, child).kind == remora::exit_kind::unknown);
    CHECK(!child.kill());
}

TEST_CASE("the status is exact while the host ignores SIGCHLD, and unknown if it does so later") {
    asio::io_context io;
    {
        test::signal_action ignored(SIGCHLD, SIG_IGN);
        child child(io.get_executor(), test::our_child({"exit", "3"}));
        CHECK(end_of(io, child) == exited(3));
        test::run_all(io);
    }
    {
        test::signal_action unwaited(SIGCHLD, SIG_DFL, SA_NOCLDWAIT);
        child child(io.get_executor(), test::our_child({"exit", "4"}));
        CHECK(end_of(io, child) == exited(4));
    }
    child child(io.get_executor(), test::our_child({"live"}));
    test::signal_action ignored(SIGCHLD, SIG_IGN);
    child.kill();
    CHECK(end_of(io, child).kind == remora::exit_kind::unknown);
}

TEST_CASE("a failed start leaves the context nothing to do, also if the host ignores SIGCHLD") {
    asio::io_context io;
    test::signal_action ignored(SIGCHLD, SIG_IGN);
    CHECK_THROWS(child(io.get_executor(), {.target = "/nonexistent"}));
    test::run_all(io);
    CHECK(no_child_is_left());
}

TEST_CASE("the status is exact while SIGCHLD is blocked") {
    asio::io_context io;
    test::blocked_signal blocked(SIGCHLD);
    child child(io.get_executor(), test::our_child({"exit", "3"}));
    CHECK(end_of(io, child) == exited(3));
}

TEST_CASE("the host's own handler of SIGCHLD keeps working, set before or after") {
    asio::io_context io;
    handled = 0;
    test::signal_action before(SIGCHLD, count_signal);
    child one(io.get_executor(), test::our_child({"exit", "3"}));
    CHECK(end_of(io, one) == exited(3));
    CHECK(handled == 1);
    child two(io.get_executor(), test::our_child({"live"}));
    test::signal_action after(SIGCHLD, count_signal);
    two.kill();
    CHECK(end_of(io, two) == signalled(SIGKILL));
    CHECK(handled == 2);
}

TEST_CASE("without pidfds the children are reaped on SIGCHLD") {
    asio::io_context io;
    asio::signal_set warmed(io, SIGCHLD);
    std::optional<no_more_descriptors> full(std::in_place);
    child one(io.get_executor(), test::our_child({"exit", "3"}));
    child two(io.get_executor(), test::our_child({"exit", "4"}));
    full.reset();
    CHECK(end_of(io, one) == exited(3));
    CHECK(end_of(io, two) == exited(4));
    CHECK(no_child_is_left());
}

TEST_CASE("without pidfds and with SIGCHLD blocked the children are reaped, too") {
    asio::io_context io;
    test::blocked_signal blocked(SIGCHLD);
    asio::signal_set warmed(io, SIGCHLD);
    std::optional<no_more_descriptors> full(std::in_place);
    child child(io.get_executor(), test::our_child({"exit", "3"}));
    full.reset();
    CHECK(end_of(io, child) == exited(3));
}

TEST_CASE("without pidfds the host's handler of SIGCHLD stays, and every end is told") {
    asio::io_context io;
    asio::signal_set warmed(io);
    test::signal_action mine(SIGCHLD, count_signal);
    handled = 0;
    for (int code = 0; code < 20; ++code) {
        std::optional<no_more_descriptors> full(std::in_place);
        child child(io.get_executor(), test::our_child({"exit", std::to_string(code)}));
        full.reset();
        CHECK(end_of(io, child) == exited(code));
    }
    CHECK(handled == 20);
}
