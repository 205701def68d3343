// SPDX-License-Identifier: MIT
// How a child ends, who waits for that, and what becomes of it with its owner.
#include <remora/process.hpp>

#include <algorithm>
#include <atomic>
#include <future>
#include <thread>

#include "process/children.hpp"
#include "support/coroutine.hpp"

using remora::child;
using remora::exit_status;
using test::end_of;
using test::exited;
using test::no_child_is_left;
using test::run_until;
using test::signalled;
using namespace std::chrono_literals;

namespace {

struct waiting {
    std::optional<exit_status> status;
    std::exception_ptr failure;
    asio::cancellation_signal cancel;

    bool is_over() const { return status || failure; }
    void start(asio::io_context& io, child& child) {
        auto done = [this](std::exception_ptr e, exit_status result) {
            failure = e;
            if (!e) status = result;
        };
        asio::co_spawn(io, child.wait(), asio::bind_cancellation_slot(cancel.slot(), done));
    }
};

asio::awaitable<void> keep_until_it_ends(child living) {
    co_await living.wait();
}

// Let it be a zombie, but do not take it.
void let_it_end(const child& child) {
    siginfo_t info{};
    while (::waitid(P_PID, static_cast<id_t>(child.pid()), &info, WEXITED | WNOWAIT) < 0 &&
           errno == EINTR) {
    }
}

}  // namespace

TEST_CASE("every exit code arrives as it was") {
    asio::io_context io;
    for (int code = 0; code < 256; ++code) {
        child child(io.get_executor(), test::our_child({"exit", std::to_string(code)}));
        CHECK(end_of(io, child) == exited(code));
    }
    CHECK(no_child_is_left());
}

TEST_CASE("every fatal signal arrives as it was") {
    asio::io_context io;
    const std::vector<int> harmless{SIGCHLD, SIGCONT, SIGURG,  SIGWINCH,
                                    SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU};
    for (int number = 1; number <= SIGRTMAX; ++number) {
        const bool reserved = number > 31 && number < SIGRTMIN;
        if (reserved || std::count(harmless.begin(), harmless.end(), number) > 0) continue;
        child child(io.get_executor(), test::our_child({"die", std::to_string(number)}));
        CHECK(end_of(io, child) == signalled(number));
    }
    CHECK(no_child_is_left());
}

TEST_CASE("an exit status has the code of a shell and a text") {
    CHECK(exited(0).ok());
    CHECK(!exited(3).ok());
    CHECK(!signalled(9).ok());
    CHECK(exited(3).code() == 3);
    CHECK(signalled(9).code() == 137);
    CHECK(exit_status{}.code() == 125);
    CHECK(to_string(exited(3)) == "exited with 3");
    CHECK(to_string(signalled(9)) == "killed by SIGKILL (9)");
    CHECK(to_string(signalled(40)) == "killed by signal 40");
    CHECK(to_string(exit_status{}) == "ended, its status is unknown");
}

TEST_CASE("all who wait get the status, and so does who asks later") {
    asio::io_context io;
    child child(io.get_executor(), test::our_child({"exit", "7"}));
    waiting first, second;
    first.start(io, child);
    second.start(io, child);
    run_until(io, [&] { return first.is_over() && second.is_over(); });
    CHECK(first.status == exited(7));
    CHECK(second.status == exited(7));
    CHECK(end_of(io, child) == exited(7));
    CHECK(child.status() == exited(7));
}

TEST_CASE("two children in one context end each with their own status") {
    asio::io_context io;
    child one(io.get_executor(), test::our_child({"exit", "1"}));
    child two(io.get_executor(), test::our_child({"live"}));
    CHECK(end_of(io, one) == exited(1));
    CHECK(!two.status());
    CHECK(two.terminate());
    CHECK(end_of(io, two) == signalled(SIGTERM));
    CHECK(no_child_is_left());
}

TEST_CASE("the context has nothing left to do once the child is reaped") {
    asio::io_context io;
    child child(io.get_executor(), test::our_child({"exit", "0"}));
    test::run_all(io);
    CHECK(child.status() == exited(0));
}

TEST_CASE("cancelling a wait ends this wait and no other") {
    asio::io_context io;
    child child(io.get_executor(), test::our_child({"live"}));
    waiting cancelled, other;
    cancelled.start(io, child);
    other.start(io, child);
    io.poll();
    cancelled.cancel.emit(asio::cancellation_type::terminal);
    run_until(io, [&] { return cancelled.is_over(); });
    CHECK(test::failure_of([&] { std::rethrow_exception(cancelled.failure); }).code ==
          asio::error::operation_aborted);
    CHECK(!other.is_over());
    child.kill();
    run_until(io, [&] { return other.is_over(); });
    CHECK(other.status == signalled(SIGKILL));
}

TEST_CASE("a wait that is cancelled after the end still has the status") {
    asio::io_context io;
    child child(io.get_executor(), test::our_child({"exit", "5"}));
    waiting wait;
    wait.start(io, child);
    io.poll();
    let_it_end(child);
    child.try_reap();
    wait.cancel.emit(asio::cancellation_type::terminal);
    run_until(io, [&] { return wait.is_over(); });
    CHECK(wait.status == exited(5));
}

TEST_CASE("destroying a living child kills and reaps it, and who waits is told") {
    asio::io_context io;
    std::optional<child> living(std::in_place, io.get_executor(), test::our_child({"live"}));
    waiting wait;
    wait.start(io, *living);
    io.poll();
    living.reset();
    CHECK(no_child_is_left());
    run_until(io, [&] { return wait.is_over(); });
    CHECK(wait.status == signalled(SIGKILL));
}

TEST_CASE("assigning another child ends the former") {
    asio::io_context io;
    child one(io.get_executor(), test::our_child({"live"}));
    child two(io.get_executor(), test::our_child({"exit", "4"}));
    one = std::move(two);
    CHECK(end_of(io, one) == exited(4));
    CHECK(no_child_is_left());
}

TEST_CASE("a child may outlive its context, and a wait may die with it") {
    std::optional<asio::io_context> io(std::in_place);
    child outliving(io->get_executor(), test::our_child({"live"}));
    child other(io->get_executor(), test::our_child({"live"}));
    waiting wait;
    wait.start(*io, outliving);
    asio::co_spawn(*io, keep_until_it_ends(std::move(other)), asio::detached);
    io->poll();
    io.reset();
    CHECK(!wait.is_over());
    CHECK(!outliving.status());
    CHECK(outliving.kill());
    let_it_end(outliving);
    outliving.try_reap();
    CHECK(outliving.status() == signalled(SIGKILL));
    CHECK(no_child_is_left());
}

TEST_CASE("a child on a strand of a context with several threads is reaped") {
    asio::io_context io;
    const auto strand = asio::make_strand(io);
    std::atomic<int> right = 0;
    for (int code = 0; code < 20; ++code) {
        auto living =
            std::make_shared<child>(strand, test::our_child({"exit", std::to_string(code)}));
        asio::co_spawn(strand, living->wait(), [&, living, code](auto, exit_status status) {
            right += status == exited(code);
        });
    }
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] { io.run_for(std::chrono::seconds(20)); });
    for (std::thread& thread : threads)
        thread.join();
    CHECK(right == 20);
    CHECK(no_child_is_left());
}

namespace {

asio::awaitable<exit_status> end_of_owned(child owned) {
    co_return co_await owned.wait();
}

}  // namespace

TEST_CASE("a child may be started from outside its strand, while other threads run the context") {
    asio::io_context io;
    const asio::signal_set opened(
        io);  // Asio's signal handler has its pipe before the threads start
    auto work = asio::make_work_guard(io);
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i)
        threads.emplace_back([&io] { io.run(); });
    std::atomic<bool> over = false;
    std::thread others([&over] {  // somebody else's children end all the time
        for (; !over; std::this_thread::yield())
            ::kill(::getpid(), SIGCHLD);
    });
    for (int i = 0; i < 200; ++i) {
        const auto strand = asio::make_strand(io);
        child started(strand, test::our_child({"exit", "3"}));
        auto end = test::future_of(strand, end_of_owned(std::move(started)));
        const bool told = end.wait_for(20s) == std::future_status::ready;
        CHECK(told);
        if (told) CHECK(end.get() == exited(3));
    }
    over = true;
    others.join();
    io.stop();
    for (auto& thread : threads)
        thread.join();
    CHECK(no_child_is_left());
}
