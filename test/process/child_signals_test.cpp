// SPDX-License-Identifier: MIT
// Signals to a child, to its group and to its descendants.
#include <remora/process.hpp>

#include "process/children.hpp"
#include "process/foreign_process.hpp"

using remora::child;
using test::end_of;
using test::run_until;
using test::signalled;

TEST_CASE("a signal is not sent after the child was reaped") {
    asio::io_context io;
    child child(io.get_executor(), test::our_child({"exit", "0"}));
    end_of(io, child);
    CHECK(!child.kill());
    CHECK(!child.signal(0));
}

TEST_CASE("a stopped child has not ended") {
    asio::io_context io;
    child child(io.get_executor(), test::our_child({"live"}));
    CHECK(child.signal(SIGSTOP));
    siginfo_t info{};
    REQUIRE(::waitid(P_PID, static_cast<id_t>(child.pid()), &info, WSTOPPED) == 0);
    child.try_reap();
    CHECK(!child.status());
    child.kill();
    CHECK(end_of(io, child) == signalled(SIGKILL));
}

TEST_CASE("a signal reaches all of a group of the child's own") {
    asio::io_context io;
    test::channel output;
    auto options = test::our_child({"live"});
    options.launcher = {"sh", "-c", "(echo; sleep 20; echo late) & wait"};
    options.standard_output = output.in.get();
    options.group = remora::process_group::own;
    child child(io.get_executor(), options);
    char newline = 0;
    REQUIRE(::read(output.out.get(), &newline, 1) == 1);
    CHECK(child.terminate());
    CHECK(output.drain().empty());  // comes back when nobody has the other end
    CHECK(end_of(io, child) == signalled(SIGTERM));
}

TEST_CASE("a signal reaches a child that has left the group of its own") {
    for (const int number : {SIGTERM, SIGKILL}) {
        asio::io_context io;
        test::channel output;
        auto options = test::our_child({"leave"});
        options.standard_output = output.in.get();
        options.group = remora::process_group::own;
        child child(io.get_executor(), options);
        output.in.reset();
        char letter = 0;
        REQUIRE(::read(output.out.get(), &letter, 1) == 1);
        REQUIRE(::getpgid(child.pid()) == ::getpgrp());
        CHECK(child.signal(number));
        CHECK(end_of(io, child) == signalled(number));
    }
}

TEST_CASE("a process is found only below its ancestor, and is signalled and awaited") {
    using remora::detail::foreign_process;
    asio::io_context io;
    const auto executor = io.get_executor();
    child living(executor, test::our_child({"live"}));
    child other(executor, test::our_child({"live"}));
    CHECK(!foreign_process::find_descendant(executor, living.pid(), other.pid()));
    CHECK(!foreign_process::find_descendant(executor, ::getpid(), living.pid()));
    CHECK(!foreign_process::find_descendant(executor, 1, living.pid()));
    CHECK(!foreign_process::find_descendant(executor, -1, living.pid()));
    auto found = foreign_process::find_descendant(executor, living.pid(), ::getpid());
    REQUIRE(found);
    found->signal(SIGTERM);
    bool ended = false;
    asio::co_spawn(io, found->wait(), [&](std::exception_ptr) { ended = true; });
    run_until(io, [&] { return ended; });
    CHECK(end_of(io, living) == signalled(SIGTERM));
    found->signal(SIGTERM);
}
